package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:generate go run ../internal/bundle

// static holds files as they are served. Scripts and style sheets are made by
// go generate, of those in assets and of Roost's TypeScript client.
//
//go:embed static
var static embed.FS

// assets serves the static files, each under its own name and under one that
// holds a hash of its content. The latter never changes, so browsers keep it.
type assets struct {
	byPath map[string]asset
	hashed map[string]string // name to path
}

type asset struct {
	name, contentType, etag string
	content                 []byte
	gzipped                 []byte // nil: it is compressed as it is
	forever                 bool
}

// contentTypes are set here since the system's tables differ.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".webm": "video/webm",
	".jpg":  "image/jpeg",
}

func loadAssets() (*assets, error) {
	a := &assets{byPath: map[string]asset{}, hashed: map[string]string{}}
	err := fs.WalkDir(static, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		return a.add(path.Base(name), content)
	})
	return a, err
}

func (a *assets) add(name string, content []byte) error {
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:8])
	ext := path.Ext(name)
	contentType, ok := contentTypes[ext]
	if !ok {
		contentType = mime.TypeByExtension(ext)
	}
	file := asset{name: name, contentType: contentType, etag: `"` + hash + `"`, content: content}
	if strings.HasPrefix(contentType, "text/") || ext == ".svg" {
		var err error
		if file.gzipped, err = compress(content); err != nil {
			return err
		}
	}
	a.byPath["/static/"+name] = file
	file.forever = true
	a.hashed[name] = "/static/" + strings.TrimSuffix(name, ext) + "." + hash + ext
	a.byPath[a.hashed[name]] = file
	return nil
}

func compress(content []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// url returns the lasting path of a file.
func (a *assets) url(name string) (string, error) {
	p, ok := a.hashed[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return p, nil
}

// poster returns the path of the picture that stands for one of this site's
// own clips from where it begins, or "" if there is none: clip.jpg for
// clip.webm, clip-12.jpg for clip.webm#t=12.
func (a *assets) poster(clip string) string {
	file, from, _ := strings.Cut(clip, "#t=")
	name, ok := strings.CutPrefix(file, "/static/")
	if !ok {
		return ""
	}
	name = strings.TrimSuffix(name, path.Ext(name))
	if from != "" {
		name += "-" + from
	}
	return a.hashed[name+".jpg"]
}

// ServeHTTP implements http.Handler; it understands ranges, which players need
// to seek.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, ok := a.byPath[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", file.contentType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("ETag", file.etag)
	header.Set("Cache-Control", "no-cache")
	if file.forever {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	content := file.content
	if file.gzipped != nil {
		header.Set("Vary", "Accept-Encoding")
		if takesGzip(r) {
			content = file.gzipped
			header.Set("Content-Encoding", "gzip")
			header.Set("ETag", strings.TrimSuffix(file.etag, `"`)+`-gzip"`)
		}
	}
	http.ServeContent(w, r, file.name, time.Time{}, bytes.NewReader(content))
}

func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.TrimSpace(name) == "gzip" {
			_, q, found := strings.Cut(weight, "q=")
			accepted, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			return !found || err != nil || accepted > 0
		}
	}
	return false
}
