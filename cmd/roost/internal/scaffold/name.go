package scaffold

import (
	"fmt"
	"go/build"
	"go/token"
	"go/types"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Name is the name of what is generated, as code spells it. It is neither
// made plural nor singular: "videos" stays "videos".
type Name struct {
	Snake  string // video_room: of files, topics and trackers
	Pascal string // VideoRoom
	Camel  string // videoRoom
}

var namePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$`)

// initialisms are words that Go writes in capitals.
var initialisms = []string{"api", "css", "html", "http", "id", "ip", "json", "sql", "ui", "url", "uuid"}

// ParseName takes video_room, videoRoom and VideoRoom to be the same name. It
// returns an error for what cannot name types, variables and files of Go.
func ParseName(s string) (Name, error) {
	if !namePattern.MatchString(s) {
		return Name{}, fmt.Errorf("%q cannot name anything in Go: use letters and digits, as in video_room or VideoRoom", s)
	}
	words := words(s)
	n := Name{Snake: strings.Join(words, "_")}
	for _, w := range words {
		if slices.Contains(initialisms, w) {
			n.Pascal += strings.ToUpper(w)
		} else {
			n.Pascal += strings.ToUpper(w[:1]) + w[1:]
		}
	}
	n.Camel = words[0] + n.Pascal[len(words[0]):]
	switch {
	case token.IsKeyword(n.Camel):
		return Name{}, fmt.Errorf("%q is a keyword of Go: use another name", s)
	case types.Universe.Lookup(n.Camel) != nil:
		return Name{}, fmt.Errorf("%q has a meaning in Go already: use another name", s)
	case words[len(words)-1] == "test", !builtEverywhere(n.Snake + ".go"):
		return Name{}, fmt.Errorf("%q would make the file %s.go, which Go builds only in some cases because of its name: use another",
			s, n.Snake)
	}
	return n, nil
}

// words splits a name at underscores, and where a capital letter begins a word.
func words(s string) []string {
	var words []string
	for part := range strings.SplitSeq(s, "_") {
		start := 0
		for i := 1; i < len(part); i++ {
			begins := unicode.IsUpper(rune(part[i])) &&
				(!unicode.IsUpper(rune(part[i-1])) || i+1 < len(part) && unicode.IsLower(rune(part[i+1])))
			if begins {
				words = append(words, strings.ToLower(part[start:i]))
				start = i
			}
		}
		words = append(words, strings.ToLower(part[start:]))
	}
	return words
}

// builtEverywhere reports whether a file of this name is built for every
// system and processor: chat_windows.go is not.
func builtEverywhere(file string) bool {
	ctx := build.Context{
		GOOS: "none", GOARCH: "none", Compiler: "gc",
		OpenFile: func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("package p")), nil },
	}
	matches, err := ctx.MatchFile(".", file)
	return err == nil && matches
}
