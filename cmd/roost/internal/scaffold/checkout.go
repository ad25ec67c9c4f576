package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Checkout returns the folder of Roost's source that this program was built
// from: applications use it until there is a release.
func Checkout() (string, error) {
	_, source, _, ok := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(source), "../../../..")
	if !ok || !filepath.IsAbs(source) || !isCheckout(dir) {
		return "", errors.New("the source of Roost is not where this program was built from; say where it is with -roost DIR")
	}
	return dir, nil
}

// AsCheckout returns dir as an absolute path, if it holds Roost's source.
func AsCheckout(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil && !isCheckout(dir) {
		err = fmt.Errorf("%s does not hold Roost's source: no go.mod of github.com/roost-dev/roost with cmd/roost and client/ts", dir)
	}
	return dir, err
}

func isCheckout(dir string) bool {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !bytes.HasPrefix(mod, []byte("module github.com/roost-dev/roost\n")) {
		return false
	}
	for _, part := range []string{"cmd/roost/go.mod", "client/ts/src/index.ts"} {
		if _, err := os.Stat(filepath.Join(dir, part)); err != nil {
			return false
		}
	}
	return true
}
