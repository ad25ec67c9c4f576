package token

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// vectors are what the real Phoenix.Token made and answered.
type vectors struct {
	SecretKeyBase string `json:"secret_key_base"`
	KeyDerivation []struct {
		Salt   string
		Opts   phoenixOpts
		KeyHex string `json:"key_hex"`
	} `json:"key_derivation"`
	Sign              []vector
	SignOptions       []vector `json:"sign_options"`
	Encrypt           []vector
	EncryptOptions    []vector `json:"encrypt_options"`
	EncryptKeyLengths []struct {
		KeyLength int `json:"key_length"`
	} `json:"encrypt_key_lengths"`
	EncryptInternals struct {
		Token       string
		KeyHex      string `json:"key_hex"`
		InnerETFHex string `json:"inner_etf_hex"`
	} `json:"encrypt_internals"`
	MaxAge            []failure `json:"max_age"`
	VerifyFailures    []failure `json:"verify_failures"`
	DecryptFailures   []failure `json:"decrypt_failures"`
	LongpollLikeToken string    `json:"longpoll_like_token"`
}

type vector struct {
	Name          string
	Salt          string
	Secret        string // of encrypt: what is the salt elsewhere
	SignedAt      int64  `json:"signed_at"`
	TermJSON      any    `json:"term_json"`
	Opts          phoenixOpts
	DerivedKeyHex string `json:"derived_key_hex"`
	PayloadETFHex string `json:"payload_etf_hex"`
	Token         string
}

type failure struct {
	Case   string
	Result string
	Token  *string
}

type phoenixOpts struct {
	KeyIterations int    `json:"key_iterations"`
	KeyLength     int    `json:"key_length"`
	KeyDigest     string `json:"key_digest"`
	MaxAge        any    `json:"max_age"`
}

func (o phoenixOpts) options(t *testing.T) *Options {
	t.Helper()
	opts := &Options{KeyIterations: o.KeyIterations, KeyLength: o.KeyLength}
	switch o.KeyDigest {
	case "":
	case "sha384":
		opts.KeyDigest = crypto.SHA384
	case "sha512":
		opts.KeyDigest = crypto.SHA512
	default:
		t.Fatalf("unknown digest %q", o.KeyDigest)
	}
	switch age := o.MaxAge.(type) {
	case nil:
	case string:
		opts.MaxAge = -1
	case json.Number:
		seconds, err := age.Int64()
		if err != nil {
			t.Fatal(err)
		}
		opts.MaxAge = time.Duration(seconds) * time.Second
	}
	return opts
}

// value returns the Go value of the vector's term, and whether Go can write that very term.
func (v *vector) value(t *testing.T) (value any, writable bool) {
	t.Helper()
	switch v.Name {
	case "tuple":
		return []any{"a", int64(1)}, false
	case "atom_keys_map":
		return map[string]any{"id": int64(7)}, false
	case "atom_nil":
		return nil, true
	}
	return fromJSON(t, v.TermJSON), true
}

func fromJSON(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		if i, ok := new(big.Int).SetString(v.String(), 10); ok {
			return i
		}
		f, err := v.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return f
	case []any:
		for i := range v {
			v[i] = fromJSON(t, v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = fromJSON(t, v[k])
		}
	}
	return v
}

func loadVectors(t testing.TB) *vectors {
	t.Helper()
	b, err := os.ReadFile("../spec/token_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return &v
}

// at runs f when it is that time, in seconds since 1970.
func at(t *testing.T, seconds int64, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Unix(seconds, 0)))
		f(t)
	})
}

func TestKeysAreDerivedAsInPhoenix(t *testing.T) {
	vs := loadVectors(t)
	for _, v := range vs.KeyDerivation {
		key := v.Opts.options(t).keys(vs.SecretKeyBase, v.Salt)[0]
		if got := hex.EncodeToString(key); got != v.KeyHex {
			t.Errorf("salt %q, %+v: key %s, want %s", v.Salt, v.Opts, got, v.KeyHex)
		}
	}
	for _, v := range append(vs.SignOptions, vs.EncryptOptions...) {
		key := v.Opts.options(t).keys(vs.SecretKeyBase, v.Salt+v.Secret)[0]
		if got := hex.EncodeToString(key); got != v.DerivedKeyHex {
			t.Errorf("%s: key %s, want %s", v.Name, got, v.DerivedKeyHex)
		}
	}
}

func TestSignsAndVerifiesWhatPhoenixSigned(t *testing.T) {
	vs := loadVectors(t)
	for _, v := range append(vs.Sign, vs.SignOptions...) {
		t.Run(v.Name, func(t *testing.T) {
			at(t, v.SignedAt, func(t *testing.T) {
				want, writable := v.value(t)
				signer := NewSigner[any](vs.SecretKeyBase, v.Salt, v.Opts.options(t))
				got, err := signer.Verify(v.Token)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("Verify: %#v, %v; want %#v", got, err, want)
				}
				if !writable {
					return
				}
				tok, err := signer.Sign(want)
				if err != nil {
					t.Fatal(err)
				}
				if v.Name == "atom_nil" {
					checkNewerAtom(t, tok, v.PayloadETFHex)
				} else if tok != v.Token {
					t.Errorf("Sign: %s, want %s", tok, v.Token)
				}
			})
		})
	}
}

// checkNewerAtom compares the payload of tok with one in which OTP 25 wrote nil by a tag that OTP 26 replaced.
func checkNewerAtom(t *testing.T, tok, payloadHex string) {
	t.Helper()
	const older, newer = "6400036e696c", "77036e696c"
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(tok, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(payload), strings.Replace(payloadHex, older, newer, 1); got != want {
		t.Errorf("payload %s, want %s", got, want)
	}
}

func TestDecryptsWhatPhoenixEncrypted(t *testing.T) {
	vs := loadVectors(t)
	for _, v := range append(vs.Encrypt, vs.EncryptOptions...) {
		t.Run(v.Name, func(t *testing.T) {
			at(t, v.SignedAt, func(t *testing.T) {
				want, writable := v.value(t)
				encrypter := NewEncrypter[any](vs.SecretKeyBase, v.Secret, v.Opts.options(t))
				got, err := encrypter.Decrypt(v.Token)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("Decrypt: %#v, %v; want %#v", got, err, want)
				}
				if !writable {
					return
				}
				tok, err := encrypter.Encrypt(want)
				if err != nil {
					t.Fatal(err)
				}
				if len(tok) != len(v.Token) && v.Name != "atom_nil" && v.Opts.MaxAge == nil {
					t.Errorf("Encrypt: %d bytes, Phoenix's has %d", len(tok), len(v.Token))
				}
				if got, err := encrypter.Decrypt(tok); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("Decrypt of ours: %#v, %v; want %#v", got, err, want)
				}
			})
		})
	}
}

func TestEncryptedTokensAreLaidOutAsPhoenixReadsThem(t *testing.T) {
	vs := loadVectors(t)
	internals := vs.EncryptInternals
	at(t, 1_700_000_000, func(t *testing.T) {
		encrypter := NewEncrypter[string](vs.SecretKeyBase, "user secret", nil)
		ours, err := encrypter.Encrypt("hello")
		if err != nil {
			t.Fatal(err)
		}
		for _, tok := range []string{internals.Token, ours} {
			if got := openByHand(t, internals.KeyHex, tok); got != internals.InnerETFHex {
				t.Errorf("%s carries %s, want %s", tok, got, internals.InnerETFHex)
			}
			if got, err := encrypter.Decrypt(tok); got != "hello" || err != nil {
				t.Errorf("Decrypt: %q, %v", got, err)
			}
		}
	})
}

func openByHand(t *testing.T, keyHex, tok string) string {
	t.Helper()
	key, err := hex.DecodeString(keyHex)
	if err != nil {
		t.Fatal(err)
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(tok, "XCP."))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := aead.Open(nil, b[:24], append(b[40:], b[24:40]...), []byte("A128GCM"))
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(text)
}

func TestEncryptersRefuseTheKeyLengthsThatPhoenixRefuses(t *testing.T) {
	vs := loadVectors(t)
	for _, v := range vs.EncryptKeyLengths {
		wantPanic(t, "KeyLength", func() {
			NewEncrypter[int](vs.SecretKeyBase, "user secret", &Options{KeyLength: v.KeyLength})
		})
	}
}

func TestAnswersBadTokensAsPhoenixDoes(t *testing.T) {
	vs := loadVectors(t)
	at(t, 1_700_000_000, func(t *testing.T) {
		signer := NewSigner[string](vs.SecretKeyBase, "s", nil)
		encrypter := NewEncrypter[string](vs.SecretKeyBase, "s", nil)
		check := func(f failure, read func(string) (string, error)) {
			tok := ""
			if f.Token != nil {
				tok = *f.Token
			}
			got, err := read(tok)
			value, ok := strings.CutPrefix(f.Result, `{:ok, "`)
			switch {
			case ok:
				if want := strings.TrimSuffix(value, `"}`); err != nil || got != want {
					t.Errorf("%s: %q, %v; want %q", f.Case, got, err, want)
				}
			case f.Result == "{:error, :missing}":
				if !errors.Is(err, ErrMissing) {
					t.Errorf("%s: %v, want ErrMissing", f.Case, err)
				}
			case f.Result == "{:error, :invalid}":
				if !errors.Is(err, ErrInvalid) {
					t.Errorf("%s: %v, want ErrInvalid", f.Case, err)
				}
			case strings.HasPrefix(f.Result, "raises "): // a crash in Phoenix, on what is signed well
				if !errors.Is(err, ErrInvalid) || errors.Is(err, errSignature) {
					t.Errorf("%s: %v, want ErrInvalid for the payload", f.Case, err)
				}
			default:
				t.Errorf("%s: unknown result %s", f.Case, f.Result)
			}
		}
		for _, f := range vs.VerifyFailures {
			check(f, signer.Verify)
		}
		for _, f := range vs.DecryptFailures {
			check(f, encrypter.Decrypt)
		}
	})
}

func TestReadsWhatLongPollSessionsCarry(t *testing.T) {
	vs := loadVectors(t)
	at(t, 1_700_000_000, func(t *testing.T) {
		// The salt was not recorded; signed again with another, the payload is the same.
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(vs.LongpollLikeToken, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		got, err := NewSigner[[4]string](vs.SecretKeyBase, "lp", nil).Verify(signByHand(vs.SecretKeyBase, "lp", payload))
		if want := [4]string{"v1", "endpoint-id", "pid goes here", "phx:lp:topic"}; got != want || err != nil {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	})
}

// Phoenix recorded only the answers of these cases: each is set up here by its name.
func TestAgesCountAsInPhoenix(t *testing.T) {
	const now, infinity = 1_700_000_000, -1
	cases := map[string]struct {
		signedAt int64
		written  any           // max_age in the token, in seconds
		verifier time.Duration // Options.MaxAge
	}{
		"fresh, no max_age":                                  {now, 86400, 0},
		"86399 s old, default max_age":                       {now - 86399, 86400, 0},
		"10 s old, verify max_age 5":                         {now - 10, 86400, 5 * time.Second},
		"10 s old, verify max_age 20":                        {now - 10, 86400, 20 * time.Second},
		"token max_age 5, 10 s old, verify max_age 100 wins": {now - 10, 5, 100 * time.Second},
		"max_age 0":                      {now, 0, 0},
		"max_age :infinity, signed 1970": {0, 86400, infinity},
		"future: signed_at now+100":      {now + 100, 86400, 0},
		"future with max_age 0":          {now + 100, 0, 0},
		"max_age float 10.5, 10 s old":   {now - 10, 86400, 10500 * time.Millisecond},
	}
	results := map[string]error{"{:ok, 1}": nil, "{:error, :expired}": ErrExpired, "{:error, :invalid}": ErrInvalid}
	vs := loadVectors(t)
	for _, v := range vs.MaxAge {
		t.Run(v.Case, func(t *testing.T) {
			c, known := cases[v.Case]
			want, knownResult := results[v.Result]
			if !known || !knownResult {
				t.Fatalf("no set-up for this case, or unknown result %s", v.Result)
			}
			at(t, now, func(t *testing.T) {
				tok := signByHand(vs.SecretKeyBase, "s", payloadByHand(t, c.signedAt*1000, c.written))
				got, err := NewSigner[int](vs.SecretKeyBase, "s", &Options{MaxAge: c.verifier}).Verify(tok)
				if !errors.Is(err, want) || want == nil && got != 1 {
					t.Errorf("%d, %v; want %s", got, err, v.Result)
				}
			})
		})
	}
}
