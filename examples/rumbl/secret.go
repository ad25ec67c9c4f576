package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

const minSecret = 20 // bytes

// loadSecret returns the secret in the named file. If there is no file it
// makes one with a new secret, which only its owner can read: a secret that
// changed with each start would shut out every page that is open.
func loadSecret(file string) (string, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		secret := rand.Text() + rand.Text()
		if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
			return "", fmt.Errorf("keep a new secret: %w", err)
		}
		return secret, nil
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
