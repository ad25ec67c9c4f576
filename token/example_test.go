package token_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/roost-dev/roost/token"
)

// In a program the secret comes from its configuration.
const secret = "yd6LhcIJyTcb1nhs9UXSeZKQw2ouPFBbZZfpLDpV/5mj4dnxGYPt0xkbqXmCmpJM"

// A page shows who its visitor is, an e-mail invites somebody: tokens that
// clients hold and cannot alter, for a while.
func Example() {
	pages := token.NewSigner[int64](secret, "user socket", &token.Options{MaxAge: 10 * time.Minute})
	invitations := token.NewEncrypter[string](secret, "invitation", &token.Options{MaxAge: 7 * 24 * time.Hour})

	page, err := pages.Sign(7)
	if err != nil {
		fmt.Println(err)
		return
	}
	invitation, err := invitations.Encrypt("ann@example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pages.Verify(page))
	fmt.Println(invitations.Decrypt(invitation))
	_, err = pages.Verify("") // as when a request has none
	fmt.Println(errors.Is(err, token.ErrMissing))
	// Output:
	// 7 <nil>
	// ann@example.com <nil>
	// true
}

func ExampleNewSigner() {
	tokens := token.NewSigner[int64](secret, "user socket", nil)

	tok, err := tokens.Sign(42) // into the page of a user who is logged in
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := tokens.Verify(tok) // when the page opens its socket
	fmt.Println(id, err)

	_, err = tokens.Verify("made" + tok)
	fmt.Println(errors.Is(err, token.ErrInvalid))
	// Output:
	// 42 <nil>
	// true
}

func ExampleNewSigner_struct() {
	type Claims struct {
		User  string   `json:"user"`
		Roles []string `json:"roles"`
	}
	tokens := token.NewSigner[Claims](secret, "api", nil)
	tok, err := tokens.Sign(Claims{"ann", []string{"editor"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := tokens.Verify(tok)
	fmt.Printf("%+v %v\n", claims, err)
	// Output: {User:ann Roles:[editor]} <nil>
}

// A token that Elixir made, by Phoenix.Token.sign(secret_key_base, "user auth", 1, signed_at: 1700000000).
func ExampleSigner_Verify() {
	base := strings.Repeat("0123456789abcdef", 4)
	const tok = "SFMyNTY.g2gDYQFuBgAAaOXPiwFiAAFRgA.t9zarzoomg4lB_hzy1zfMHmyYprgy_qHOcNk1NpxcoI"

	_, err := token.NewSigner[int](base, "user auth", nil).Verify(tok)
	fmt.Println(err)

	id, err := token.NewSigner[int](base, "user auth", &token.Options{MaxAge: -1}).Verify(tok)
	fmt.Println(id, err)
	// Output:
	// token: expired: at 2023-11-15T22:13:20Z
	// 1 <nil>
}

func ExampleNewEncrypter() {
	tokens := token.NewEncrypter[map[string]string](secret, "invitation", nil)
	tok, err := tokens.Encrypt(map[string]string{"email": "ann@example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	invitation, err := tokens.Decrypt(tok)
	fmt.Println(strings.HasPrefix(tok, "XCP."), invitation["email"], err)
	// Output: true ann@example.com <nil>
}

func ExampleOptions_oldSecrets() {
	const old = "the secret of last year, which was replaced"
	tok, _ := token.NewSigner[string](old, "user socket", nil).Sign("ann")

	tokens := token.NewSigner[string](secret, "user socket", &token.Options{OldSecrets: []string{old}})
	fmt.Println(tokens.Verify(tok))
	// Output: ann <nil>
}
