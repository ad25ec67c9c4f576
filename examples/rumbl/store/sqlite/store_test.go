package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roost-dev/roost/examples/rumbl/store/sqlite"
)

func TestAFileMayHaveAnyName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a name with ? and # and %.db")
	store, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestOpenNamesTheFileItCannotOpen(t *testing.T) {
	_, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "missing", "rumbl.db"))
	if err == nil || !strings.Contains(err.Error(), "missing/rumbl.db") {
		t.Errorf("error %v for a file in a directory that does not exist; want one that names it", err)
	}
}
