// Package web is the page.
package web

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:generate go tool roost contract -ts contract.ts ../live
//go:generate go tool roost bundle app.ts static/app.js

//go:embed static
var files embed.FS

// Handler serves the page, and lets it load nothing from elsewhere.
func Handler() http.Handler {
	static, err := fs.Sub(files, "static")
	if err != nil {
		panic(err) // it is embedded
	}
	page := http.FileServerFS(static)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		page.ServeHTTP(w, r)
	})
}
