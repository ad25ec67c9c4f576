package token

import (
	"errors"
	"testing"
)

var benchUser = struct {
	ID    int64    `json:"id"`
	Roles []string `json:"roles"`
}{7, []string{"admin", "editor"}}

func benchmark[T any](b *testing.B, v T) {
	signer, encrypter := NewSigner[T](secret, "s", nil), NewEncrypter[T](secret, "s", nil)
	signed, _ := signer.Sign(v)
	encrypted, _ := encrypter.Encrypt(v)
	forged := signed[:len(signed)-3] + "abc"
	for _, c := range []struct {
		name string
		want error
		f    func() error
	}{
		{"Sign", nil, func() error { _, err := signer.Sign(v); return err }},
		{"Verify", nil, func() error { _, err := signer.Verify(signed); return err }},
		{"VerifyForged", ErrInvalid, func() error { _, err := signer.Verify(forged); return err }},
		{"Encrypt", nil, func() error { _, err := encrypter.Encrypt(v); return err }},
		{"Decrypt", nil, func() error { _, err := encrypter.Decrypt(encrypted); return err }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.f(); !errors.Is(err, c.want) {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkInt(b *testing.B)    { benchmark(b, int64(7)) }
func BenchmarkStruct(b *testing.B) { benchmark(b, benchUser) }
func BenchmarkAny(b *testing.B) {
	benchmark[any](b, map[string]any{"id": 7, "roles": []any{"admin", "editor"}})
}
