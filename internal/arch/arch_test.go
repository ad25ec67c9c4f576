// Package arch holds the packages of the workspace to the directions in which docs/design.md lets them import each other.
package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/roost-dev/roost"

// A rule says what some packages may import, besides the standard library and internal/. Packages of the workspace go by
// their path below the module, the one at its root by "roost". "x/..." stands for x and all below it, "..." for everything.
type rule struct {
	packages string
	mayUse   []string
}

// rules holds a rule for each package, the first that fits, so that a new package is given its place on purpose. Nothing that
// is got with the core is heavy: of others' modules there are golang.org/x only.
var rules = []rule{
	{"wire", nil},
	{"contract", nil},
	{"history/...", []string{"history"}},
	{"pubsub/...", []string{"pubsub", "history"}},
	{"transport/...", []string{"transport/...", "wire"}},
	{"presence/replica", nil},
	{"presence", []string{"presence/replica", "pubsub"}},
	{"token/...", []string{"token/...", "golang.org/x/crypto/..."}},
	{"roost", []string{"contract", "wire", "transport/...", "pubsub", "history", "token"}},
	{"roosttest", []string{"roost", "wire", "transport/..."}},
	{"client", []string{"roost", "wire"}},

	{"adapters/clusterflags", []string{"adapters/...", "pubsub"}},
	{"adapters/nats", []string{"pubsub", "history", "github.com/nats-io/nats-server/v2/server", "github.com/nats-io/nats.go"}},
	{"adapters/redis", []string{"pubsub", "history", "github.com/redis/rueidis"}},

	{"cmd/...", []string{"..."}},
	{"internal/conformance/...", []string{"..."}},
	{"internal/poller", []string{"golang.org/x/sys/..."}},
	{"internal/...", nil},
	{"examples/rumbl/accounts", []string{"examples/rumbl/field", "golang.org/x/crypto/..."}}, // no channels in here,
	{"examples/rumbl/multimedia", []string{"examples/rumbl/field", "golang.org/x/text/..."}}, // nor in here
	{"examples/...", []string{"..."}},
	{"docs/guides/...", []string{"..."}},
}

func ruleFor(name string) (rule, bool) {
	i := slices.IndexFunc(rules, func(r rule) bool { return fits(r.packages, name) })
	if i < 0 {
		return rule{}, false
	}
	return rules[i], true
}

func (r rule) allows(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	standard := !strings.Contains(first, ".")
	return standard || slices.ContainsFunc(append(r.mayUse, "internal/..."), func(p string) bool { return fits(p, name(imported)) })
}

func fits(pattern, name string) bool {
	above, ok := strings.CutSuffix(pattern, "...")
	if !ok {
		return pattern == name
	}
	return strings.HasPrefix(name, above) || name+"/" == above
}

// name is what rules call a package.
func name(importPath string) string {
	if importPath == module {
		return "roost"
	}
	return strings.TrimPrefix(importPath, module+"/")
}

// readImports tells what each package of the workspace imports, on any system, leaving out tests. It reads the sources instead of
// asking go list, which sees those of one system, and on whose answer go test would not know to depend.
func readImports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	tree := os.DirFS("../..")
	err := fs.WalkDir(tree, ".", func(file string, entry fs.DirEntry, err error) error {
		switch base := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && (base == "testdata" || base == "node_modules" || base != "." && base[0] == '.'):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		importer := path.Join(module, path.Dir(file))
		imported, err := importsOf(tree, file)
		found[importer] = append(found[importer], imported...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func importsOf(tree fs.FS, file string) ([]string, error) {
	source, err := fs.ReadFile(tree, file)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var imported []string
	for _, spec := range parsed.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		imported = append(imported, importPath)
	}
	return imported, nil
}

func TestImportsPointOneWay(t *testing.T) {
	found := readImports(t)
	if len(found[module]) == 0 {
		t.Fatal("the package at the root was not found")
	}
	for importer, all := range found {
		r, ok := ruleFor(name(importer))
		if !ok {
			t.Errorf("no rule says what %s may import: add one", name(importer))
			continue
		}
		for _, imported := range all {
			if !r.allows(imported) {
				t.Errorf("%s imports %s, but may use only %v", name(importer), name(imported), r.mayUse)
			}
		}
	}
}

func TestWrongImportsAreNoticed(t *testing.T) {
	for importer, imported := range map[string]string{
		"wire":                      module + "/transport",
		"contract":                  module,
		"pubsub":                    module + "/presence",
		"transport/websocket":       module,
		"presence":                  module,
		"token":                     "golang.org/x/sys/unix",
		"roost":                     module + "/presence",
		"roosttest":                 module + "/examples/rumbl/live",
		"client":                    module + "/transport/websocket",
		"internal/worker":           "github.com/google/uuid",
		"examples/rumbl/accounts":   module,
		"examples/rumbl/multimedia": module + "/pubsub",
	} {
		if r, ok := ruleFor(importer); !ok || r.allows(imported) {
			t.Errorf("%s may import %s", importer, imported)
		}
	}
}
