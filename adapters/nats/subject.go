package nats

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// maxToken bounds what follows the namespace in a NATS subject, in bytes. A
// server refuses lines of 4096 bytes, and keeps each subject it is told.
const maxToken = 255

// names makes NATS subjects of Roost's.
type names struct{ prefix string } // the namespace and a dot

func newNames(namespace string) (names, error) {
	if namespace == "" {
		namespace = "roost"
	}
	for token := range strings.SplitSeq(namespace, ".") {
		if token == "" || strings.ContainsFunc(token, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
		}) {
			return names{}, fmt.Errorf("nats: the namespace %q must be words of letters, digits, - and _, with dots between them", namespace)
		}
	}
	if len(namespace) > maxToken {
		return names{}, errors.New("nats: the namespace is longer than 255 bytes")
	}
	return names{namespace + "."}, nil
}

// subject is one token below the namespace.
func (n names) subject(s string) string { return n.prefix + token(s) }

// token escapes what NATS gives a meaning to, or people cannot read, as in
// URLs, so that no two strings share a token. One that is too long gets its
// hash instead, marked by a first character that is escaped in all others.
func token(s string) string {
	extra := 0
	for i := range len(s) {
		if !plain(s, i) {
			extra += 2
		}
	}
	switch {
	case s == "":
		return "%" // no escape is that short
	case len(s)+extra > maxToken:
		hash := sha256.Sum256([]byte(s))
		return "~" + base64.RawURLEncoding.EncodeToString(hash[:])
	case extra == 0:
		return s
	}
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+extra)
	for i := range len(s) {
		if c := s[i]; plain(s, i) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

func plain(s string, i int) bool {
	switch c := s[i]; c {
	case '.', '*', '>', '%':
		return false
	case '~':
		return i > 0
	default:
		return c > ' ' && c < 0x7f
	}
}

// own is a subject that the adapters of a cluster use among themselves. No
// escaped subject begins like it, and no hash is so short.
func (n names) own(what string) string { return n.prefix + "~" + what }
