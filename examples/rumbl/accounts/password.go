package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/roost-dev/roost/examples/rumbl/field"
)

// What a new password is hashed with: Argon2id as OWASP recommends it for 19
// MiB. Older hashes carry their own figures and stay valid when these change.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2         // passes
	argonThreads = 1
	saltLength   = 16 // bytes
	keyLength    = 32 // bytes
)

const (
	minPassword = 8
	maxPassword = 128
)

// hasher hashes passwords. Each hash takes 19 MiB and a core for some tens of
// milliseconds, so that a burst of log-ins could use up the machine: no more
// than slots run at once, and the others wait.
type hasher struct {
	slots chan struct{}
	decoy string // see unmatched
}

func newHasher() *hasher {
	h := &hasher{slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
	h.decoy = unmatched()
	return h
}

// unmatched returns a hash that no password is known for.
func unmatched() string { return encode(newSalt(), make([]byte, keyLength)) }

// hash returns the password's hash in the usual notation,
// $argon2id$v=19$m=19456,t=2,p=1$salt$key. The only error is ctx's.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := newSalt()
	key, err := h.derive(ctx, password, salt, cost{argonTime, argonMemory, argonThreads}, keyLength)
	if err != nil {
		return "", err
	}
	return encode(salt, key), nil
}

// matches says whether hash is that of password.
func (h *hasher) matches(ctx context.Context, hash, password string) (bool, error) {
	var version int
	var c cost
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errors.New("stored password hash does not begin with $argon2id$")
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &c.memory, &c.time, &c.threads); err != nil {
		return false, fmt.Errorf("parameters of a stored password hash: %w", err)
	}
	if version != argon2.Version {
		return false, fmt.Errorf("stored password hash is of Argon2 version %d, want %d", version, argon2.Version)
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("salt of a stored password hash: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, fmt.Errorf("key of a stored password hash: %w", err)
	}
	got, err := h.derive(ctx, password, salt, c, uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// cost is what Argon2 takes for one hash.
type cost struct {
	time, memory uint32 // passes, KiB
	threads      uint8
}

func (h *hasher) derive(ctx context.Context, password string, salt []byte, c cost, length uint32) ([]byte, error) {
	// A password longer than any that was accepted cannot match; hashing its
	// beginning keeps the duration the same without reading it all.
	password = password[:min(len(password), maxPassword*utf8.UTFMax+1)]
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return argon2.IDKey([]byte(password), salt, c.time, c.memory, c.threads, length), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, argonMemory, argonTime, argonThreads, b64(salt), b64(key))
}

func newSalt() []byte {
	salt := make([]byte, saltLength)
	rand.Read(salt) // never fails: it ends the program if the system has no randomness
	return salt
}

// checkPassword checks a new password, that of the named field.
func checkPassword(problems field.Errors, name, password string) {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		problems.Add(name, "must be valid text (UTF-8)")
	case n < minPassword:
		problems.Add(name, fmt.Sprintf("must have at least %d characters", minPassword))
	case n > maxPassword:
		problems.Add(name, fmt.Sprintf("must have at most %d characters", maxPassword))
	}
}
