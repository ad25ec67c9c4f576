package token

import "encoding/base64"

// Signer makes signed tokens that carry a T, and verifies them. Clients can read what a signed token carries, and cannot alter
// it. A Signer is safe for use by several goroutines; its methods do not block.
type Signer[T any] struct {
	payload payload[T]
	keys    *keyring
}

// NewSigner returns the Signer for a secret and a salt. The secret is shared by all servers, random, and at least 20 bytes long;
// Phoenix calls it secret_key_base. The salt is a name for what the tokens are for, such as "user socket": a token of one salt
// is invalid under another.
//
// The keys are derived here, once, which takes about a millisecond per secret. It panics if a secret is too short, an option
// is out of range, or T has parts that no token can carry, such as functions.
func NewSigner[T any](secret, salt string, opts *Options) *Signer[T] {
	return &Signer[T]{newPayload[T](opts), newKeyring(opts.keys(secret, salt))}
}

// Sign returns a token that carries v and is valid from now on, for Options.MaxAge. It fails only for values that no token can
// carry: a float that is not finite, an integer of more than 1024 bytes, nesting deeper than 128, an unsupported type within an any.
func (s *Signer[T]) Sign(v T) (string, error) {
	d := s.keys.desk()
	defer s.keys.put(d)
	var err error
	if d.term, err = s.payload.append(d.term[:0], v); err != nil {
		return "", err
	}
	d.token = append(d.token[:0], hs256+"."...)
	d.token = base64.RawURLEncoding.AppendEncode(d.token, d.term)
	mac := d.sum(0, d.token)
	d.token = append(d.token, '.')
	d.token = base64.RawURLEncoding.AppendEncode(d.token, mac)
	return string(d.token), nil
}

// Verify returns what a token carries if it is signed with this Signer's secret, or an old one, and salt, and is not expired. The
// error is an [ErrMissing], [ErrExpired] or [ErrInvalid]; with it comes the zero T.
func (s *Signer[T]) Verify(token string) (T, error) {
	var zero T
	if token == "" {
		return zero, ErrMissing
	}
	d := s.keys.desk()
	defer s.keys.put(d)
	d.token = append(d.token[:0], token...)
	term, err := s.keys.open(d)
	if err != nil {
		return zero, err
	}
	return s.payload.read(term)
}
