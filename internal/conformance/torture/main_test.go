//go:build linux

// Package torture shows that no event of a topic with history is lost in silence. Clients of all kinds follow numbered events while
// their connections are cut at every point, nodes are killed and engines crash; each must have been told all of them, in order and
// once, or in the place of what is missing that it is lost. It needs Node.js, and what `make test-go` installs for it.
//
//	ROOST_SOAK=1    50 clients of each kind for 3 minutes, with figures
//	ROOST_SEED=...  the same chances again; time has its own
//	ROOST_NO_NODE=1 only the clients in Go
package torture

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/roost-dev/roost/internal/conformance/rig"
)

var (
	program string // the conformance application
	library string // the URL of the TypeScript client, built

	soak   = os.Getenv("ROOST_SOAK") != ""
	noNode = os.Getenv("ROOST_NO_NODE") != ""
)

// top is the folder of the repository.
const top = "../../.."

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "roost-torture")
	if err == nil {
		// Debian keeps nats-server where only root's PATH leads.
		err = os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")
	}
	if err == nil {
		defer os.RemoveAll(folder)
		program, err = rig.BuildConformance(folder)
	}
	if err == nil && !noNode {
		err = buildLibrary(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// buildLibrary compiles the TypeScript client into a folder.
func buildLibrary(folder string) error {
	typescript := filepath.Join(top, "client/ts")
	for _, folder := range []string{typescript, filepath.Join(top, "test")} {
		if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
			return fmt.Errorf("%w; npm ci --prefix %s installs it, ROOST_NO_NODE=1 leaves the clients out that need it", err, folder)
		}
	}
	compiler := exec.Command(filepath.Join(typescript, "node_modules/.bin/tsc"),
		"-p", filepath.Join(typescript, "tsconfig.build.json"), "--outDir", folder)
	if out, err := compiler.CombinedOutput(); err != nil {
		return fmt.Errorf("tsc: %w\n%s", err, out)
	}
	library = (&url.URL{Scheme: "file", Path: filepath.Join(folder, "index.js")}).String()
	return os.WriteFile(filepath.Join(folder, "package.json"), []byte(`{"type": "module"}`), 0o600)
}
