package multimedia_test

import (
	"strings"
	"testing"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

func TestParseSourceUnderstands(t *testing.T) {
	youtube := multimedia.Source{Kind: multimedia.YouTube, Ref: "dQw4w9WgXcQ"}
	file := func(ref string) multimedia.Source { return multimedia.Source{Kind: multimedia.File, Ref: ref} }
	tests := map[string]multimedia.Source{
		"https://www.youtube.com/watch?v=dQw4w9WgXcQ":            youtube,
		"https://www.youtube.com/watch?list=x&v=dQw4w9WgXcQ&t=9": youtube,
		"http://m.youtube.com/watch?v=dQw4w9WgXcQ":               youtube,
		"https://YouTu.be/dQw4w9WgXcQ?si=abc":                    youtube,
		"https://youtube.com/shorts/dQw4w9WgXcQ":                 youtube,
		"https://www.youtube.com/live/dQw4w9WgXcQ/":              youtube,
		"https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ":     youtube,
		"  https://example.com/a/clip.webm  ":                    file("https://example.com/a/clip.webm"),
		"https://Example.com:8443/clip.MP4?sig=1#t=5":            file("https://example.com:8443/clip.MP4?sig=1#t=5"),
		"/static/sample.webm#t=12.5":                             file("/static/sample.webm#t=12.5"),
		"/static/sample.webm#t=1,2":                              file("/static/sample.webm"),
		"/static/sample.webm#chapter":                            file("/static/sample.webm"),
		"http://127.0.0.1:8080/clip.mov":                         file("http://127.0.0.1:8080/clip.mov"),
		"/static/sample.webm":                                    file("/static/sample.webm"),
	}
	for address, want := range tests {
		if got, err := multimedia.ParseSource(address); err != nil || got != want {
			t.Errorf("ParseSource(%q) = %v, %v; want %v", address, got, err, want)
		}
	}
}

func TestParseSourceRefuses(t *testing.T) {
	tests := map[string]string{
		"": "must not be empty",
		"https://e.com/" + strings.Repeat("a", 2000): "is too long",
		"clip.webm":                                     "must begin with https://",
		"javascript:alert(1)//clip.webm":                "must begin with https://",
		"file:///etc/clip.webm":                         "must begin with https://",
		"//example.com/clip.webm":                       "must begin with https://",
		"////example.com/clip.webm":                     "must begin with https://",
		"https:///clip.webm":                            "must name a plain host",
		"https://ada@example.com/clip.webm":             "must name a plain host",
		"https://example.com;script-src/clip.webm":      "must name a plain host",
		"https://*/clip.webm":                           "must name a plain host",
		"https://exa mple.com/clip.webm":                "is not a valid address",
		"https://example.com/watch":                     "must be a YouTube address",
		"/logout":                                       "must be a YouTube address",
		"https://www.youtube.com/":                      "is on YouTube",
		"https://www.youtube.com/watch?v=short":         "is on YouTube",
		"https://www.youtube.com/@channel":              "is on YouTube",
		"https://youtu.be/dQw4w9WgXcQextra":             "is on YouTube",
		"https://www.youtube.com/playlist?list=PL12345": "is on YouTube",
	}
	for address, want := range tests {
		source, err := multimedia.ParseSource(address)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("ParseSource(%.60q) = %v, %v; want an error that begins %q", address, source, err, want)
		}
	}
}

func TestOriginIsSetForFilesOnOtherSitesOnly(t *testing.T) {
	tests := map[string]string{
		"https://example.com:8443/a/clip.webm": "https://example.com:8443",
		"/static/sample.webm":                  "",
		"https://youtu.be/dQw4w9WgXcQ":         "",
	}
	for address, want := range tests {
		source, err := multimedia.ParseSource(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := source.Origin(); got != want {
			t.Errorf("origin of %q: %q, want %q", address, got, want)
		}
	}
}
