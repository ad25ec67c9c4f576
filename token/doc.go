// Package token makes tokens that a client can hold but not alter: signed by a [Signer], which the client can read, or
// encrypted by an [Encrypter], which it cannot.
//
// The format is that of Phoenix.Token, in both directions, so that a Go server can stand beside a Phoenix one: both need the
// same secret (secret_key_base), the same salt, and the same key options if they are not the default. A token carries one Go
// value of the type T, the time it was made, and how long it is valid.
//
//	tokens := token.NewSigner[int64](secret, "user socket", &token.Options{MaxAge: 14 * 24 * time.Hour})
//	tok, err := tokens.Sign(user.ID)
//	id, err := tokens.Verify(tok) // elsewhere, by whoever has the secret
//
// In Elixir, Phoenix.Token.sign(secret, "user socket", id, max_age: 1_209_600) makes the same token.
//
// # Values
//
// T is built from bool, integers, floats, strings, []byte, slices, arrays, maps with string keys, structs, pointers, *big.Int,
// types that write themselves as text (time.Time), and any. In Elixir they are true and false, integers, floats, binaries, lists,
// maps with binaries as keys, and nil for a nil pointer or any. Nil slices and maps are written empty.
//
// Fields of structs go by their json tags: names, "-", omitempty and omitzero. What Elixir wrote may have atoms instead of
// strings, as keys and as values, and tuples instead of lists; a key without a field is ignored. Elixir's nil fits pointers, slices, maps
// and any only, so that it is never mistaken for a zero. Read into any, integers are int64 (*big.Int beyond that), floats
// float64, atoms and binaries string, lists and tuples []any, maps map[string]any.
//
// Terms with no such equivalent are refused: pids, references, functions, bit strings, improper lists. Values nest at most 128
// deep, and a compressed token may inflate to 256 KiB.
//
// # Age
//
// The time is the wall clock's, in milliseconds, and a token from the future is invalid, as in Phoenix: servers that share
// tokens need clocks that agree. A token cannot be revoked before it expires; changing the secret or the salt revokes all.
package token
