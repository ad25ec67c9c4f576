package web

import (
	"net/http"
	"strings"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

// protect sets the headers that limit what a page can do to what it needs: its
// own scripts and styles, its socket, and the video that it shows.
func protect(header http.Header, source multimedia.Source) {
	script, media, frame := "'self'", "'self'", "'none'"
	switch {
	case source.Kind == multimedia.YouTube:
		script += " https://www.youtube.com"
		frame = "https://www.youtube-nocookie.com"
	case source.Origin() != "":
		media += " " + source.Origin()
	}
	header.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'none'",
		"script-src " + script,
		"style-src 'self'",
		"img-src 'self'",
		"media-src " + media,
		"frame-src " + frame,
		"connect-src 'self'",
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; "))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	// YouTube plays nothing for a page that does not say which site it is on.
	header.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}
