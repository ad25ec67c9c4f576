package token

import (
	"crypto"
	"crypto/pbkdf2"
	_ "crypto/sha256" // the digests that Phoenix's tokens use, for KeyDigest
	_ "crypto/sha512"
	"fmt"
	"time"
)

// Options are the rarely needed settings of a [Signer] or [Encrypter]. Nil means all defaults.
type Options struct {
	// MaxAge is how long a token is valid, to the millisecond. It is written into the tokens made and, if set, overrules what is
	// written in those read. Zero: tokens are made for 24 hours, and read for as long as they say. Negative: never expires, and whatever
	// the token says about its age or future is ignored.
	MaxAge time.Duration

	// OldSecrets are still accepted, and never used to make tokens. To change the secret, move the old one here until the last
	// token made with it has expired.
	OldSecrets []string

	// KeyIterations is the number of PBKDF2 iterations that make the key from secret and salt: Phoenix's key_iterations.
	// Zero: 1000.
	KeyIterations int

	// KeyLength is the length of the key in bytes: Phoenix's key_length. Zero: 32, which is the only length an Encrypter takes.
	KeyLength int

	// KeyDigest is the hash within PBKDF2: Phoenix's key_digest. It has no influence on the signature, which is always HMAC-SHA256.
	// Zero: crypto.SHA256.
	KeyDigest crypto.Hash
}

// minSecret is Phoenix's limit, in bytes.
const minSecret = 20

// keys derives the key of each secret, the current one first. It panics on wrong options: they are in the program, not in what it is given.
func (o *Options) keys(secret, salt string) [][]byte {
	if o == nil {
		o = &Options{}
	}
	iterations, length, digest := o.KeyIterations, o.KeyLength, o.KeyDigest
	if iterations == 0 {
		iterations = 1000
	}
	if length == 0 {
		length = 32
	}
	if digest == 0 {
		digest = crypto.SHA256
	}
	if iterations < 0 || length < 0 {
		panic(fmt.Sprintf("token: KeyIterations (%d) and KeyLength (%d) must not be negative", o.KeyIterations, o.KeyLength))
	}
	if !digest.Available() {
		panic(fmt.Sprintf("token: KeyDigest %v is not linked into the program; import its package", digest))
	}
	secrets := append([]string{secret}, o.OldSecrets...)
	keys := make([][]byte, len(secrets))
	for i, s := range secrets {
		if len(s) < minSecret {
			which := "the secret"
			if i > 0 {
				which = fmt.Sprintf("OldSecrets[%d]", i-1)
			}
			panic(fmt.Sprintf("token: %s has %d bytes and needs at least %d; use 64 random ones", which, len(s), minSecret))
		}
		key, err := pbkdf2.Key(digest.New, s, []byte(salt), iterations, length)
		if err != nil {
			panic("token: no key can be derived with these options: " + err.Error())
		}
		keys[i] = key
	}
	return keys
}

// maxAge returns MaxAge, zero if not set.
func (o *Options) maxAge() time.Duration {
	if o == nil {
		return 0
	}
	return o.MaxAge
}
