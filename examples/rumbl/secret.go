package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const minSecret = 20 // bytes

// defaultSecretFile is beside an SQLite file. A URL's name is no file's, and may
// hold a password.
func defaultSecretFile(db string) string {
	if strings.Contains(db, "://") {
		return "rumbl-secret"
	}
	return db + "-secret"
}

// loadSecret returns the secret in the named file. If there is no file it
// makes one with a new secret, which only its owner can read: a secret that
// changed with each start would shut out every page that is open.
func loadSecret(file string) (string, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeSecret(file); err != nil {
			return "", fmt.Errorf("keep a new secret: %w", err)
		}
		content, err = os.ReadFile(file)
	}
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	content = bytes.TrimSpace(content)
	if len(content) < minSecret {
		return "", fmt.Errorf("the secret in %s has %d bytes, and must have at least %d; delete the file to have a new one made",
			file, len(content), minSecret)
	}
	return string(content), nil
}

// makeSecret writes a new secret into the named file, unless another node that
// starts in the same folder was faster. It appears there whole or not at all.
func makeSecret(file string) (err error) {
	draft, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(draft.Name())) }()
	_, err = draft.WriteString(rand.Text() + rand.Text() + "\n")
	if err := errors.Join(err, draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), file); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
