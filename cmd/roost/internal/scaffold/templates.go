package scaffold

import (
	"bytes"
	"embed"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"
)

// templates has a folder for each kind of thing, laid out as it comes out. The
// word NAME in a file's name stands for [Name].Snake.
//
//go:embed all:templates
var templates embed.FS

// file is what comes of a template.
type file struct {
	path string // below the folder that it is for, with slashes
	data []byte
}

// render fills the templates of one kind in, in the order of their names.
func render(kind, name string, values any) ([]file, error) {
	root := path.Join("templates", kind)
	var files []file
	err := fs.WalkDir(templates, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		t, err := template.ParseFS(templates, p)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := t.Option("missingkey=error").Execute(&out, values); err != nil {
			return err
		}
		target := strings.TrimSuffix(strings.TrimPrefix(p, root+"/"), ".tmpl")
		f := file{strings.Replace(target, "NAME", name, 1), out.Bytes()}
		if path.Ext(f.path) == ".go" {
			if f.data, err = format.Source(f.data); err != nil {
				return fmt.Errorf("%s: %w", p, err)
			}
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

// mustNotExist returns an error if one of the files is in the folder dir.
func mustNotExist(dir string, files []file) error {
	for _, f := range files {
		target := filepath.Join(dir, filepath.FromSlash(f.path))
		if _, err := os.Lstat(target); err == nil {
			return fmt.Errorf("%s is there already; nothing was written", target)
		}
	}
	return nil
}

// write makes the files in the folder dir. It overwrites none.
func write(dir string, files []file) error {
	for _, f := range files {
		target := filepath.Join(dir, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil { //nolint:gosec // for all to read, as other sources
			return err
		}
		w, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // see above
		if err != nil {
			return err
		}
		_, err = w.Write(f.data)
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}
