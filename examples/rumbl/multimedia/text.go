package multimedia

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxSlug is how long a slug is at most, in characters.
const maxSlug = 60

// Slug returns the video's title as a part of an address: words in lower case,
// in whatever script, with hyphens between them. It may be empty, and is not
// unique.
func (v Video) Slug() string { return slug(v.Title) }

// Slug returns the category's name as a part of an address.
func (c Category) Slug() string { return slug(c.Name) }

// SearchText returns what a search finds the video by, as a store keeps it.
func (v Video) SearchText() string {
	return fold(strings.Join([]string{v.Title, v.Description, v.Owner.Name, v.Owner.Username}, " "))
}

func slug(text string) string {
	words := strings.FieldsFunc(fold(text), func(r rune) bool {
		return !unicode.In(r, unicode.Letter, unicode.Number, unicode.Mark)
	})
	s := []rune(strings.Join(words, "-"))
	if len(s) <= maxSlug {
		return string(s)
	}
	cut := string(s[:maxSlug])
	if i := strings.LastIndexByte(cut, '-'); i > 0 {
		cut = cut[:i]
	}
	return cut
}

// fold returns text in the form in which it is compared: in lower case, without
// the accents of Latin letters, and with the variants of a letter made one.
// Marks of other scripts stay, since words change without them.
func fold(text string) string {
	var folded strings.Builder
	latin := false // the last letter was
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(text, " ")) {
		switch {
		case unicode.Is(unicode.Mn, r) && latin:
			continue
		case unicode.IsControl(r):
			r = ' '
		}
		latin = unicode.Is(unicode.Latin, r)
		folded.WriteRune(unicode.ToLower(r))
	}
	return norm.NFC.String(folded.String())
}
