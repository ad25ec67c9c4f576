package token

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// Encrypter makes encrypted tokens that carry a T, and decrypts them. Clients can neither read nor alter what one carries. An
// Encrypter is safe for use by several goroutines; its methods do not block.
//
// The cipher is XChaCha20-Poly1305, as in Phoenix since plug_crypto 2.0. Tokens of plug_crypto 1, encrypted by AES-GCM, are
// invalid.
type Encrypter[T any] struct {
	payload payload[T]
	ciphers []cipher.AEAD // the current one first
}

// NewEncrypter returns the Encrypter for a secret and a salt, as [NewSigner] does. In Phoenix.Token.encrypt the salt is the argument
// that is named secret. It also panics if Options.KeyLength is not 32.
func NewEncrypter[T any](secret, salt string, opts *Options) *Encrypter[T] {
	e := &Encrypter[T]{payload: newPayload[T](opts)}
	for _, key := range opts.keys(secret, salt) {
		aead, err := chacha20poly1305.NewX(key)
		if err != nil {
			panic(fmt.Sprintf("token: KeyLength is %d; an Encrypter needs %d", len(key), chacha20poly1305.KeySize))
		}
		e.ciphers = append(e.ciphers, aead)
	}
	return e
}

const (
	sealedPrefix = "XCP."
	nonceSize    = chacha20poly1305.NonceSizeX
	tagSize      = chacha20poly1305.Overhead
)

// sealedData is authenticated with each token. Phoenix took over the name of the cipher that it used before.
var sealedData = []byte("A128GCM")

// Encrypt returns a token that carries v and is valid from now on, for Options.MaxAge. It fails where [Signer.Sign] does.
func (e *Encrypter[T]) Encrypt(v T) (string, error) {
	term, err := e.payload.append(nil, v)
	if err != nil {
		return "", err
	}
	// The cipher puts its tag behind the text; the token has it in front.
	sealed := make([]byte, nonceSize+tagSize, nonceSize+tagSize+len(term)+tagSize)
	nonce := sealed[:nonceSize]
	rand.Read(nonce)
	sealed = e.ciphers[0].Seal(sealed, nonce, term, sealedData)
	end := len(sealed) - tagSize
	copy(sealed[nonceSize:], sealed[end:])
	return string(base64.RawURLEncoding.AppendEncode([]byte(sealedPrefix), sealed[:end])), nil
}

// Decrypt returns what a token carries if it is encrypted with this Encrypter's secret, or an old one, and salt, and is not
// expired. The error is an [ErrMissing], [ErrExpired] or [ErrInvalid]; with it comes the zero T.
func (e *Encrypter[T]) Decrypt(token string) (T, error) {
	var zero T
	if token == "" {
		return zero, ErrMissing
	}
	body, ok := bytes.CutPrefix([]byte(token), []byte(sealedPrefix))
	if !ok {
		return zero, errSealed
	}
	sealed, err := decode64(nil, body)
	if err != nil || len(sealed) < nonceSize+tagSize {
		return zero, errSealed
	}
	nonce, tag := sealed[:nonceSize], sealed[nonceSize:nonceSize+tagSize]
	text := append(sealed[nonceSize+tagSize:], tag...)
	for _, aead := range e.ciphers {
		if term, err := aead.Open(nil, nonce, text, sealedData); err == nil {
			return e.payload.read(term)
		}
	}
	return zero, errDecrypt
}
