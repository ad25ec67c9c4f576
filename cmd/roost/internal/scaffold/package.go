package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const roostPath = "github.com/roost-dev/roost"

// goPackage is what the folder that something is generated into has already.
type goPackage struct {
	name     string
	declared map[string]string // what is declared at the top level: where
	assigns  []assigns         // of the package's sockets, in the order in which they are found
}

// assigns is the type of what belongs to a socket, as the package writes it.
type assigns struct {
	text    string   // Visitor
	imports []string // what the text needs: `"example.com/shop/accounts"`
}

// importedAnyway is what every channel imports.
var importedAnyway = []string{`"context"`, strconv.Quote(roostPath)}

// readPackage reads the Go files of a folder, which need not be there.
func readPackage(dir string) (*goPackage, error) {
	pkg := &goPackage{declared: map[string]string{}}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	fset := token.NewFileSet()
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".go" {
			continue
		}
		if built, err := build.Default.MatchFile(dir, e.Name()); err == nil && !built {
			continue // such as a program for go generate, in a package of its own
		}
		f, err := parser.ParseFile(fset, filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(f.Name.Name, "_test") {
			continue // a package of its own
		}
		pkg.name = f.Name.Name
		for _, name := range declarations(f) {
			pkg.declared[name.Name] = fset.Position(name.Pos()).String()
		}
		if !strings.HasSuffix(e.Name(), "_test.go") {
			pkg.findAssigns(f)
		}
	}
	if pkg.name == "" {
		if pkg.name, err = packageName(dir); err != nil {
			return nil, err
		}
	}
	return pkg, nil
}

// packageName is what a package in a new folder is called.
func packageName(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	name := filepath.Base(dir)
	if !token.IsIdentifier(name) || name != strings.ToLower(name) || name == "main" {
		return "", fmt.Errorf("%q cannot name a package: use another folder", name)
	}
	return name, nil
}

// declarations returns the names that a file declares at the top level.
func declarations(f *ast.File) []*ast.Ident {
	var names []*ast.Ident
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, spec.Name)
				case *ast.ValueSpec:
					names = append(names, spec.Names...)
				}
			}
		}
	}
	return names
}

// findAssigns looks for roost.Server[A], roost.Socket[A] and roost.Options[A].
func (pkg *goPackage) findAssigns(f *ast.File) {
	imported := imports(f)
	ast.Inspect(f, func(n ast.Node) bool {
		index, ok := n.(*ast.IndexExpr)
		if !ok {
			return true
		}
		generic, ok := index.X.(*ast.SelectorExpr)
		if !ok || !slices.Contains([]string{"Server", "Socket", "Options"}, generic.Sel.Name) {
			return true
		}
		if from, ok := generic.X.(*ast.Ident); !ok || imported[from.Name].path != roostPath {
			return true
		}
		found := assigns{text: source(index.Index)}
		ast.Inspect(index.Index, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if from, ok := s.X.(*ast.Ident); ok {
					found.add(imported[from.Name].spec)
				}
			}
			return true
		})
		if !slices.ContainsFunc(pkg.assigns, func(a assigns) bool { return a.text == found.text }) {
			pkg.assigns = append(pkg.assigns, found)
		}
		return true
	})
}

// add adds an import, unless it is there.
func (a *assigns) add(spec string) {
	if !slices.Contains(importedAnyway, spec) && !slices.Contains(a.imports, spec) {
		a.imports = append(a.imports, spec)
	}
}

type imported struct{ path, spec string }

// version is the last part of a module's path: "/v2", or ".v2" on gopkg.in.
var version = regexp.MustCompile(`[/.]v[0-9]+$`)

// imports returns what a file imports, by the name that it has there. That of
// an import without one is taken to be the last part of its path, but for a
// version.
func imports(f *ast.File) map[string]imported {
	found := map[string]imported{}
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(version.ReplaceAllString(p, ""))
		if spec.Name != nil {
			name = spec.Name.Name
		}
		found[name] = imported{p, source(spec)}
	}
	return found
}

func source(n ast.Node) string {
	var b bytes.Buffer
	_ = printer.Fprint(&b, token.NewFileSet(), n) // into memory
	return b.String()
}
