package multimedia

import (
	"errors"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Kind is the kind of player that a video needs.
type Kind string

// The kinds.
const (
	File    Kind = "file"    // a file that browsers play by themselves
	YouTube Kind = "youtube" // a video on YouTube
)

// Source is where a video is.
type Source struct {
	Kind Kind
	Ref  string // File: an http(s) URL, or a path on this site, with #t= where to begin; YouTube: the video's id
}

// Origin returns scheme and host of a File that is on another site, such as
// "https://example.com"; otherwise "".
func (s Source) Origin() string {
	if s.Kind != File || strings.HasPrefix(s.Ref, "/") {
		return ""
	}
	u, err := url.Parse(s.Ref)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// URL returns an address from which ParseSource makes s.
func (s Source) URL() string {
	if s.Kind == YouTube {
		return "https://www.youtube.com/watch?v=" + s.Ref
	}
	return s.Ref
}

var (
	youTubeID    = regexp.MustCompile(`^[A-Za-z0-9_-]{11}$`)
	youTubeHosts = []string{"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "www.youtube-nocookie.com"}
	// Narrower than what a URL may hold, since the host is repeated in the
	// page's Content-Security-Policy.
	plainHost = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)
	// Where a player begins, in seconds; see the W3C's Media Fragments.
	beginning  = regexp.MustCompile(`^t=[0-9]{1,6}(\.[0-9]{1,3})?$`)
	extensions = []string{".webm", ".mp4", ".m4v", ".mov", ".ogv"}
)

const maxURL = 2000 // bytes

// ParseSource understands the address of a video: a YouTube address in any of
// its usual forms (watch?v=, youtu.be/, /shorts/, /embed/, /live/), or the
// http(s) address of a video file, or the path of one on this site; either may
// end with #t= and the second to begin at. The error says what to do about it.
func ParseSource(address string) (Source, error) {
	address = strings.TrimSpace(address)
	if address == "" {
		return Source{}, errors.New("must not be empty")
	}
	if len(address) > maxURL {
		return Source{}, errors.New("is too long")
	}
	u, err := url.Parse(address)
	if err != nil {
		return Source{}, errors.New("is not a valid address")
	}
	u.Host = strings.ToLower(u.Host)
	onSite := u.Scheme == "" && u.Host == "" && strings.HasPrefix(u.Path, "/") && !strings.HasPrefix(u.Path, "//")
	switch {
	case onSite:
		return parseFile(u)
	case u.Scheme != "https" && u.Scheme != "http":
		return Source{}, errors.New("must begin with https://")
	case u.User != nil || !plainHost.MatchString(u.Host):
		return Source{}, errors.New("must name a plain host, such as https://example.com/clip.mp4")
	case u.Host == "youtu.be" || slices.Contains(youTubeHosts, u.Host):
		return parseYouTube(u)
	}
	return parseFile(u)
}

func parseFile(u *url.URL) (Source, error) {
	if !slices.Contains(extensions, strings.ToLower(path.Ext(u.Path))) {
		return Source{}, errors.New("must be a YouTube address, or that of a video file: " + strings.Join(extensions, ", "))
	}
	if !beginning.MatchString(u.Fragment) {
		u.Fragment = ""
	}
	return Source{Kind: File, Ref: u.String()}, nil
}

func parseYouTube(u *url.URL) (Source, error) {
	var id string
	first, second, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	switch {
	case u.Host == "youtu.be":
		id = first
	case first == "watch":
		id = u.Query().Get("v")
	case slices.Contains([]string{"embed", "shorts", "live", "v"}, first):
		id = second
	}
	if !youTubeID.MatchString(id) {
		return Source{}, errors.New("is on YouTube, but is not that of one video (https://www.youtube.com/watch?v=…)")
	}
	return Source{Kind: YouTube, Ref: id}, nil
}
