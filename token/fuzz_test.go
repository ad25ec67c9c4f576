package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"reflect"
	"testing"
)

func FuzzVerify(f *testing.F) {
	vs := loadVectors(f)
	for _, v := range append(vs.Sign, vs.Encrypt...) {
		f.Add(v.Token)
	}
	for _, v := range vs.VerifyFailures {
		if v.Token != nil {
			f.Add(*v.Token)
		}
	}
	f.Add(string([]byte{131, 104, 3, 97, 1, 97, 0, 119, 8}) + "infinity")
	signer := NewSigner[any](secret, "s", nil)
	users := NewSigner[user](secret, "s", nil)
	encrypter := NewEncrypter[any](secret, "s", nil)
	forger := NewSigner[any](vs.SecretKeyBase, "user auth", nil)
	f.Fuzz(func(t *testing.T, in string) {
		check := func(err error) {
			if err != nil && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrExpired) {
				t.Errorf("an error of no kind: %v", err)
			}
		}
		_, err := forger.Verify(in)
		check(err)
		_, err = encrypter.Decrypt(in)
		check(err)
		// The same input as a payload that is signed well, to get behind the signature.
		tok := signWith(signer, in)
		v, err := signer.Verify(tok)
		check(err)
		if err == nil {
			again, err := signer.Sign(v)
			if err != nil {
				t.Fatalf("%#v was read and cannot be signed: %v", v, err)
			}
			if w, err := signer.Verify(again); err != nil || !reflect.DeepEqual(v, w) {
				t.Errorf("%#v came back as %#v, %v", v, w, err)
			}
		}
		_, err = users.Verify(tok)
		check(err)
	})
}

// signWith signs any payload with the signer's own key.
func signWith[T any](s *Signer[T], payload string) string {
	signed := "SFMyNTY." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	mac := sum(hmac.New(sha256.New, s.keys.keys[0]), []byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac)
}
