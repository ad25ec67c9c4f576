package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"testing"
)

func TestScriptsAndStylesAreCompressedForThoseWhoTakeIt(t *testing.T) {
	s := newSite(t)
	transport := &http.Transport{DisableCompression: true} // else it unpacks by itself
	defer transport.CloseIdleConnections()
	get := func(t *testing.T, path, accepts string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", accepts)
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}
	read := func(t *testing.T, from io.Reader) string {
		t.Helper()
		content, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	for _, path := range []string{"/static/watch.js", "/static/watch.css", "/static/app.css", "/static/favicon.svg"} {
		plain := get(t, path, "")
		want := read(t, plain.Body)
		for accepts, compressed := range map[string]bool{
			"gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "gzip; q=0.0": false, "br": false,
		} {
			got := get(t, path, accepts)
			if is := got.Header.Get("Content-Encoding") == "gzip"; is != compressed {
				t.Errorf("%s for %q is compressed: %v", path, accepts, is)
				continue
			}
			if got.Header.Get("Vary") != "Accept-Encoding" || compressed == (got.Header.Get("ETag") == plain.Header.Get("ETag")) {
				t.Errorf("%s for %q: caches take it for another: %v", path, accepts, got.Header)
			}
			var body io.Reader = got.Body
			if compressed {
				unpacked, err := gzip.NewReader(got.Body)
				if err != nil {
					t.Fatal(err)
				}
				body = unpacked
			}
			if read(t, body) != want {
				t.Errorf("%s for %q is not what it is", path, accepts)
			}
		}
	}
	if got := get(t, "/static/sample.webm", "gzip"); got.Header.Get("Content-Encoding") != "" {
		t.Error("the clip is compressed twice")
	}
}
