package token

import (
	"crypto"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	secret      = "a secret of at least twenty bytes"
	otherSecret = "another secret of at least twenty"
)

// signByHand signs as the format is described, independently of Signer.
func signByHand(secret, salt string, payload []byte) string {
	key, err := pbkdf2.Key(sha256.New, secret, []byte(salt), 1000, 32)
	if err != nil {
		panic(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("SFMyNTY." + b64(payload)))
	return "SFMyNTY." + b64(payload) + "." + b64(mac.Sum(nil))
}

// payloadByHand is the term {1, signed, age}.
func payloadByHand(t *testing.T, signed int64, age any) []byte {
	t.Helper()
	b := []byte{131, 104, 3, 97, 1, 110, 8, 0}
	b = binary.LittleEndian.AppendUint64(b, uint64(signed))
	switch age := age.(type) {
	case int:
		return binary.BigEndian.AppendUint32(append(b, 98), uint32(age))
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 70), math.Float64bits(age))
	case string:
		return append(append(b, 119, byte(len(age))), age...)
	}
	t.Fatalf("cannot write %T", age)
	return nil
}

func wantPanic(t *testing.T, part string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), part) {
			t.Errorf("panic: %v; want one about %q", r, part)
		}
	}()
	f()
}

type user struct {
	ID      int64             `json:"id"`
	Name    string            `json:"name"`
	Roles   []string          `json:"roles"`
	Quota   *uint32           `json:"quota"`
	Ratio   float64           `json:"ratio,omitempty"`
	Avatar  []byte            `json:"avatar"`
	Labels  map[string]string `json:"labels"`
	Since   time.Time         `json:"since"`
	Manager *user             `json:"manager"`
	Extra   any               `json:"extra"`
}

func TestStructsComeBackAsTheyWent(t *testing.T) {
	quota := uint32(math.MaxUint32)
	want := user{
		ID: math.MinInt64, Name: "José", Roles: []string{"admin", ""}, Quota: &quota, Avatar: []byte{0, 255},
		Labels: map[string]string{"b": "2", "a": "1"}, Since: time.Date(2026, 8, 1, 0, 0, 0, 5, time.UTC),
		Manager: &user{Name: "Ann", Roles: []string{}, Avatar: []byte{}, Labels: map[string]string{}, Ratio: -0.5},
		Extra:   []any{nil, true, int64(-1), 1.5, "x", map[string]any{"k": []any{}}},
	}
	signer := NewSigner[user](secret, "user", nil)
	tok, err := signer.Sign(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := signer.Verify(tok); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("signed: %+v, %v; want %+v", got, err, want)
	}
	encrypter := NewEncrypter[user](secret, "user", nil)
	if tok, err = encrypter.Encrypt(want); err != nil {
		t.Fatal(err)
	}
	if got, err := encrypter.Decrypt(tok); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("encrypted: %+v, %v; want %+v", got, err, want)
	}
}

func TestAnyValueComesBackAsItWent(t *testing.T) {
	signer := NewSigner[any](secret, "any", nil)
	encrypter := NewEncrypter[any](secret, "any", nil)
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		want := randomValue(random, 5)
		signed, err := signer.Sign(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := signer.Verify(signed); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("signed: %#v, %v; want %#v", got, err, want)
		}
		encrypted, err := encrypter.Encrypt(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := encrypter.Decrypt(encrypted); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("encrypted: %#v, %v; want %#v", got, err, want)
		}
	}
}

// randomValue returns a value of the types that any is read as.
func randomValue(r *rand.Rand, depth int) any {
	kinds := 8
	if depth == 0 {
		kinds = 6
	}
	switch r.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return int64(r.Uint64()) >> r.IntN(64)
	case 3:
		huge := new(big.Int).Lsh(big.NewInt(1+r.Int64N(1000)), uint(64+r.IntN(3000)))
		if r.IntN(2) == 0 {
			huge.Neg(huge)
		}
		return huge
	case 4:
		return r.NormFloat64() * math.Pow(10, float64(r.IntN(200)))
	case 5:
		b := make([]byte, r.IntN(300))
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		return string(b)
	case 6:
		l := make([]any, r.IntN(5))
		for i := range l {
			l[i] = randomValue(r, depth-1)
		}
		return l
	}
	m := map[string]any{}
	for range r.IntN(5) {
		m[strconv.Itoa(r.IntN(100))] = randomValue(r, depth-1)
	}
	return m
}

func TestATokenIsValidForItsAge(t *testing.T) {
	const never = 100 * 365 * 24 * time.Hour
	for _, c := range []struct {
		name   string
		maxAge time.Duration
		valid  time.Duration
	}{
		{"24 hours by default", 0, 24 * time.Hour},
		{"as long as the option says", 90 * time.Second, 90 * time.Second},
		{"parts of a second", 1500 * time.Millisecond, 1500 * time.Millisecond},
		{"for ever", -1, never},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				signer := NewSigner[int](secret, "s", &Options{MaxAge: c.maxAge})
				encrypter := NewEncrypter[int](secret, "s", &Options{MaxAge: c.maxAge})
				plain := NewSigner[int](secret, "s", nil) // goes by what the token says
				signed, _ := signer.Sign(1)
				encrypted, _ := encrypter.Encrypt(1)
				read := func() []error {
					_, err1 := signer.Verify(signed)
					_, err2 := encrypter.Decrypt(encrypted)
					_, err3 := plain.Verify(signed)
					return []error{err1, err2, err3}
				}
				time.Sleep(c.valid)
				for i, err := range read() {
					if err != nil {
						t.Errorf("reader %d, at its age: %v", i, err)
					}
				}
				time.Sleep(time.Millisecond)
				for i, err := range read() {
					if c.valid != never && !errors.Is(err, ErrExpired) {
						t.Errorf("reader %d, past its age: %v, want ErrExpired", i, err)
					}
				}
			})
		})
	}
}

func TestAgesWrittenByOthers(t *testing.T) {
	const now = 1_700_000_000_000
	for _, c := range []struct {
		name   string
		signed int64
		age    any
		want   error
	}{
		{"float, in time", now - 10_000, 10.0004, nil},
		{"float, late by its milliseconds", now - 10_001, 10.0004, ErrExpired},
		{"negative", now, -1, ErrExpired},
		{"negative float", now, -0.5, ErrExpired},
		{"huge float", now - 1, 1e300, nil},
		{"huge float, future", now + 1, 1e300, ErrInvalid},
		{"infinity, future", now + 1, "infinity", nil},
		{"infinity, long ago", math.MinInt64, "infinity", nil},
		{"long ago", math.MinInt64, 1, ErrExpired},
		{"another atom", now, "forever", ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			at(t, now/1000, func(t *testing.T) {
				payload := payloadByHand(t, c.signed, c.age)
				if c.signed < 0 { // the sign has a byte of its own
					binary.LittleEndian.PutUint64(payload[8:], uint64(-c.signed))
					payload[7] = 1
				}
				if _, err := NewSigner[int](secret, "s", nil).Verify(signByHand(secret, "s", payload)); !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
			})
		})
	}
}

func TestRotatedSecretsVerifyAndNeverSign(t *testing.T) {
	before := NewSigner[int](otherSecret, "s", nil)
	after := NewSigner[int](secret, "s", &Options{OldSecrets: []string{"some third secret, long enough", otherSecret}})
	tok, _ := before.Sign(7)
	if got, err := after.Verify(tok); got != 7 || err != nil {
		t.Errorf("old token: %d, %v", got, err)
	}
	tok, _ = after.Sign(8)
	if _, err := before.Verify(tok); !errors.Is(err, ErrInvalid) {
		t.Errorf("new token under the old secret: %v, want ErrInvalid", err)
	}

	sealedBefore := NewEncrypter[int](otherSecret, "s", nil)
	sealedAfter := NewEncrypter[int](secret, "s", &Options{OldSecrets: []string{otherSecret}})
	tok, _ = sealedBefore.Encrypt(7)
	if got, err := sealedAfter.Decrypt(tok); got != 7 || err != nil {
		t.Errorf("old encrypted token: %d, %v", got, err)
	}
	tok, _ = sealedAfter.Encrypt(8)
	if _, err := sealedBefore.Decrypt(tok); !errors.Is(err, ErrInvalid) {
		t.Errorf("new encrypted token under the old secret: %v, want ErrInvalid", err)
	}
}

func TestTokensOfAnotherSaltOrSecretOrKeyAreInvalid(t *testing.T) {
	tok, _ := NewSigner[int](secret, "s", nil).Sign(1)
	sealed, _ := NewEncrypter[int](secret, "s", nil).Encrypt(1)
	for name, c := range map[string]struct {
		secret, salt string
		opts         *Options
	}{
		"salt":       {secret, "t", nil},
		"secret":     {otherSecret, "s", nil},
		"iterations": {secret, "s", &Options{KeyIterations: 999}},
		"digest":     {secret, "s", &Options{KeyDigest: crypto.SHA512}},
	} {
		if got, err := NewSigner[int](c.secret, c.salt, c.opts).Verify(tok); !errors.Is(err, ErrInvalid) || got != 0 {
			t.Errorf("another %s: Verify %d, %v", name, got, err)
		}
		if got, err := NewEncrypter[int](c.secret, c.salt, c.opts).Decrypt(sealed); !errors.Is(err, ErrInvalid) || got != 0 {
			t.Errorf("another %s: Decrypt %d, %v", name, got, err)
		}
	}
}

func TestNoByteOfATokenCanBeChanged(t *testing.T) {
	signer, encrypter := NewSigner[string](secret, "s", nil), NewEncrypter[string](secret, "s", nil)
	signed, _ := signer.Sign("value")
	sealed, _ := encrypter.Encrypt("value")
	check := func(tok string, read func(string) (string, error)) {
		for i := range tok {
			for _, c := range []byte{'A', 'B', '.', '=', '\n', 0xff} {
				b := []byte(tok)
				b[i] = c
				// The last character of each base64 has bits that count for nothing, in Phoenix too.
				last := i == len(tok)-1 && strings.IndexByte("AB", c) >= 0
				if _, err := read(string(b)); tok != string(b) && !last && !errors.Is(err, ErrInvalid) {
					t.Errorf("byte %d of %s made %q: %v, want ErrInvalid", i, tok, c, err)
				}
			}
			if _, err := read(tok[:i]); !errors.Is(err, ErrInvalid) {
				t.Errorf("cut to %d: %v, want ErrInvalid", i, err)
			}
			if _, err := read(tok[:i] + "\n" + tok[i:]); !errors.Is(err, ErrInvalid) {
				t.Errorf("line break at %d: %v, want ErrInvalid", i, err)
			}
		}
	}
	check(signed, signer.Verify)
	check(sealed, encrypter.Decrypt)
}

func TestPaddedSignaturesAreAccepted(t *testing.T) {
	signer := NewSigner[int](secret, "s", nil)
	tok, _ := signer.Sign(1)
	if got, err := signer.Verify(tok + "="); got != 1 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	if _, err := signer.Verify(tok + "=="); !errors.Is(err, ErrInvalid) {
		t.Errorf("padded too far: %v", err)
	}
}

func TestLongerMACsAreAcceptedAsInPhoenix(t *testing.T) {
	signer := NewSigner[int](secret, "s", nil)
	made, _ := signer.Sign(1)
	body := strings.Split(made, ".")[1]
	key := (*Options)(nil).keys(secret, "s")[0]
	for header, hash := range map[string]crypto.Hash{"SFMzODQ": crypto.SHA384, "SFM1MTI": crypto.SHA512} {
		mac := hmac.New(hash.New, key)
		mac.Write([]byte(header + "." + body))
		tok := header + "." + body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		if got, err := signer.Verify(tok); got != 1 || err != nil {
			t.Errorf("%s: %d, %v", hash, got, err)
		}
		if _, err := signer.Verify(tok[:len(tok)-4]); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s, cut: %v", hash, err)
		}
	}
}

func TestAnotherTypeIsInvalidAndSaysWhere(t *testing.T) {
	tok, _ := NewSigner[any](secret, "s", nil).Sign(map[string]any{"id": "seven", "name": nil})
	_, err := NewSigner[user](secret, "s", nil).Verify(tok)
	if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), `field "id": a binary where int64 is wanted`) {
		t.Errorf("%v", err)
	}
	if strings.Contains(err.Error(), "seven") {
		t.Errorf("the error quotes what the token carries: %v", err)
	}
}

func TestAnAbsentTokenIsMissingAndInvalid(t *testing.T) {
	_, err := NewSigner[int](secret, "s", nil).Verify("")
	_, err2 := NewEncrypter[int](secret, "s", nil).Decrypt("")
	for _, err := range []error{err, err2} {
		if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "the token is empty") || !errors.Is(err, ErrInvalid) || errors.Is(err, ErrExpired) {
			t.Errorf("%v, want ErrMissing, which is ErrInvalid too", err)
		}
	}
}

func TestValuesThatNoTokenCarriesAreRefused(t *testing.T) {
	signer := NewSigner[any](secret, "s", nil)
	loop := map[string]any{}
	loop["loop"] = loop
	for name, v := range map[string]any{
		"not a number": math.NaN(), "infinity": math.Inf(-1), "a loop": loop, "a function": func() {},
		"a huge integer": new(big.Int).Lsh(big.NewInt(1), 8*1024),
	} {
		if tok, err := signer.Sign(v); err == nil || tok != "" {
			t.Errorf("%s: %q, no error", name, tok)
		}
		if tok, err := NewEncrypter[any](secret, "s", nil).Encrypt(v); err == nil || tok != "" {
			t.Errorf("%s: %q, no error", name, tok)
		}
	}
}

func TestWrongConstructionPanicsAndSaysWhy(t *testing.T) {
	short := "nineteen bytes long"
	wantPanic(t, "the secret has 19 bytes", func() { NewSigner[int](short, "s", nil) })
	wantPanic(t, "the secret has 19 bytes", func() { NewEncrypter[int](short, "s", nil) })
	wantPanic(t, "OldSecrets[1] has 19 bytes", func() {
		NewSigner[int](secret, "s", &Options{OldSecrets: []string{otherSecret, short}})
	})
	wantPanic(t, "must not be negative", func() { NewSigner[int](secret, "s", &Options{KeyIterations: -1}) })
	wantPanic(t, "must not be negative", func() { NewSigner[int](secret, "s", &Options{KeyLength: -1}) })
	wantPanic(t, "not linked", func() { NewSigner[int](secret, "s", &Options{KeyDigest: crypto.BLAKE2b_256}) })
	wantPanic(t, "cannot carry a func", func() { NewSigner[struct{ F func() }](secret, "s", nil) })
	wantPanic(t, "field F", func() { NewEncrypter[struct{ F chan int }](secret, "s", nil) })
}

func TestPrintingShowsNoKey(t *testing.T) {
	signer, encrypter := NewSigner[int](secret, "s", nil), NewEncrypter[int](secret, "s", nil)
	key := (*Options)(nil).keys(secret, "s")[0]
	for _, format := range []string{"%v", "%+v", "%#v", "%x"} {
		for _, v := range []any{signer, encrypter} {
			printed := fmt.Sprintf(format, v)
			for _, keyFormat := range []string{"%v", "%#v", "%x"} {
				part := strings.Trim(fmt.Sprintf(keyFormat, key[:4]), "[]byte{}")
				if strings.Contains(printed, part) {
					t.Errorf("%s of %T shows the key: %s", format, v, printed)
				}
			}
		}
	}
}

func TestASignerServesManyGoroutines(t *testing.T) {
	signer := NewSigner[int](secret, "s", &Options{OldSecrets: []string{otherSecret}})
	old := NewSigner[int](otherSecret, "s", nil)
	done := make(chan error)
	const workers = 8
	for w := range workers {
		go func() {
			var first error
			for i := range 50 {
				from := signer
				if i%2 == 0 {
					from = old
				}
				tok, err := from.Sign(w*1000 + i)
				if err == nil {
					var got int
					if got, err = signer.Verify(tok); err == nil && got != w*1000+i {
						err = fmt.Errorf("%d became %d", w*1000+i, got)
					}
				}
				first = errors.Join(first, err)
			}
			done <- first
		}()
	}
	for range workers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
