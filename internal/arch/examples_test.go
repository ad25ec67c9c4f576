package arch

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// shown are the packages that applications begin with. Their entry points have examples: their functions, and the types and
// methods that their documentation links to.
var shown = []string{".", "client", "history", "presence", "pubsub", "roosttest", "token"}

func TestEntryPointsHaveExamples(t *testing.T) {
	for _, folder := range shown {
		p := readDoc(t, "../../"+folder)
		if len(p.Examples) == 0 {
			t.Errorf("package %s has no example", p.Name)
		}
		examples := examplesOf(p)
		for _, name := range entryPoints(p) {
			if has, ok := examples[name]; ok && !has {
				t.Errorf("%s.%s has no example: it is an entry point of the package", p.Name, name)
			}
		}
		for _, e := range doc.Examples(p.testFiles...) {
			if e.Output == "" && !e.EmptyOutput {
				t.Errorf("the example %s of package %s has no output", e.Name, p.Name)
			}
		}
	}
}

// documented is a package with its documentation.
type documented struct {
	*doc.Package

	testFiles []*ast.File
}

func readDoc(t *testing.T, folder string) documented {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no Go files in %s: %v", folder, err)
	}
	fset := token.NewFileSet()
	var files, tests []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		if strings.HasSuffix(name, "_test.go") {
			tests = append(tests, file)
		}
	}
	p, err := doc.NewFromFiles(fset, files, module)
	if err != nil {
		t.Fatal(err)
	}
	return documented{p, tests}
}

// entryPoints is the functions of a package, and the types and methods that its documentation links to.
func entryPoints(p documented) []string {
	var names []string
	for _, f := range p.Funcs {
		names = append(names, f.Name)
	}
	for _, t := range p.Types {
		for _, f := range t.Funcs {
			names = append(names, f.Name)
		}
	}
	for _, block := range p.Parser().Parse(p.Doc).Content {
		paragraph, ok := block.(*comment.Paragraph)
		if !ok {
			continue
		}
		for _, text := range paragraph.Text {
			if link, ok := text.(*comment.DocLink); ok && link.ImportPath == "" {
				names = append(names, strings.TrimPrefix(link.Recv+"."+link.Name, "."))
			}
		}
	}
	return names
}

// examplesOf tells which functions, types and methods have an example. A type has one if its constructor or a method has; an
// interface needs none.
func examplesOf(p documented) map[string]bool {
	found := map[string]bool{}
	for _, f := range p.Funcs {
		found[f.Name] = len(f.Examples) > 0
	}
	for _, t := range p.Types {
		_, isInterface := t.Decl.Specs[0].(*ast.TypeSpec).Type.(*ast.InterfaceType)
		found[t.Name] = isInterface || len(t.Examples) > 0
		for _, f := range t.Funcs {
			found[f.Name] = len(f.Examples) > 0
			found[t.Name] = found[t.Name] || found[f.Name]
		}
		for _, m := range t.Methods {
			found[t.Name+"."+m.Name] = len(m.Examples) > 0
			found[t.Name] = found[t.Name] || len(m.Examples) > 0
		}
	}
	return found
}
