package contracts

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/roost-dev/roost/contract"
)

// comments are those of the declarations that a contract comes from. Nothing
// else is read from source.
type comments struct {
	types  map[string]string // by import path and name
	fields map[string]string // by import path, type and name
	ins    map[string]string // of NewIn, by the event's name
	outs   map[string]string // of NewOut
}

// addComments fills in the Docs of a contract from the source of the package
// that told it, and of those that its types come from.
func addComments(ctx context.Context, c *contract.Contract, from goPackage) error {
	paths := map[string]bool{}
	for ref := range c.Types {
		paths[packageOf(ref)] = true
	}
	delete(paths, from.ImportPath)
	delete(paths, "main") // which is from
	packages := []goPackage{from}
	if len(paths) > 0 {
		more, err := listPackages(ctx, from.Dir, slices.Sorted(maps.Keys(paths))...)
		if err != nil {
			return err
		}
		packages = append(packages, more...)
	}
	found := comments{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}}
	for _, p := range packages {
		if p.Standard {
			continue
		}
		if err := found.read(p); err != nil {
			return err
		}
	}
	found.addTo(c)
	return nil
}

// packageOf returns the import path of a name such as
// "example.com/shop/live.Page[example.com/shop/live.Order]".
func packageOf(ref string) string {
	name, _, _ := strings.Cut(ref, "[")
	return name[:strings.LastIndexByte(name, '.')]
}

func (f comments) read(p goPackage) error {
	path := p.ImportPath
	if p.Name == "main" {
		path = "main" // as reflect calls it
	}
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range group.Specs {
				whole := group.Doc
				if group.Lparen.IsValid() {
					whole = nil // it is about all of the group
				}
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					f.readType(path, spec, whole)
				case *ast.ValueSpec:
					f.readEvent(spec, whole)
				}
			}
		}
	}
	return nil
}

func (f comments) readType(path string, spec *ast.TypeSpec, whole *ast.CommentGroup) {
	name := path + "." + spec.Name.Name
	note(f.types, name, spec.Doc, whole, spec.Comment)
	f.readFields(name, spec.Type)
}

// readFields reads those of a struct, and of structs without names in it.
func (f comments) readFields(name string, t ast.Expr) {
	switch t := t.(type) {
	case *ast.StructType:
		for _, field := range t.Fields.List {
			for _, ident := range field.Names {
				note(f.fields, name+"."+ident.Name, field.Doc, field.Comment)
				f.readFields(name+"."+ident.Name, field.Type)
			}
		}
	case *ast.StarExpr:
		f.readFields(name, t.X)
	case *ast.ArrayType:
		f.readFields(name, t.Elt)
	case *ast.MapType:
		f.readFields(name, t.Value)
	}
}

// readEvent reads the comment of a variable that is an event with a literal
// name: roost.NewIn[P, R]("name").
func (f comments) readEvent(spec *ast.ValueSpec, whole *ast.CommentGroup) {
	for _, value := range spec.Values {
		call, ok := value.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			continue
		}
		literal, ok := call.Args[0].(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		event, err := strconv.Unquote(literal.Value)
		if err != nil {
			continue
		}
		switch constructor(call.Fun) {
		case "NewIn":
			note(f.ins, event, spec.Doc, whole, spec.Comment)
		case "NewOut":
			note(f.outs, event, spec.Doc, whole, spec.Comment)
		}
	}
}

// constructor returns the name of a generic function of another package.
func constructor(fun ast.Expr) string {
	switch f := fun.(type) {
	case *ast.IndexExpr:
		fun = f.X
	case *ast.IndexListExpr:
		fun = f.X
	}
	if selector, ok := fun.(*ast.SelectorExpr); ok {
		return selector.Sel.Name
	}
	return ""
}

// note keeps the first comment that there is, and the first that there was.
func note(in map[string]string, name string, groups ...*ast.CommentGroup) {
	for _, group := range groups {
		if text := strings.TrimSpace(group.Text()); text != "" && in[name] == "" {
			in[name] = text
		}
	}
}

func (f comments) addTo(c *contract.Contract) {
	for ref, t := range c.Types {
		name, _, _ := strings.Cut(ref, "[")
		t.Doc = f.types[name]
		f.addToFields(&t, name)
		c.Types[ref] = t
	}
	for i := range c.Channels {
		channel := &c.Channels[i]
		for j := range channel.In {
			channel.In[j].Doc = f.ins[channel.In[j].Event]
		}
		for j := range channel.Out {
			channel.Out[j].Doc = f.outs[channel.Out[j].Event]
		}
	}
}

// addToFields fills in the Docs of a type that is the one of the name, or a
// part of it without a name.
func (f comments) addToFields(t *contract.Type, name string) {
	for i := range t.Fields {
		field := &t.Fields[i]
		source := withoutArguments(field.Source)
		if !strings.Contains(source, ".") {
			source = name + "." + source
		}
		field.Doc = f.fields[source]
		f.addToFields(&field.Type, source)
	}
	if t.Elem != nil {
		f.addToFields(t.Elem, name)
	}
}

// withoutArguments takes the type arguments out of the name of a field.
func withoutArguments(source string) string {
	before, rest, generic := strings.Cut(source, "[")
	if !generic {
		return source
	}
	return before + rest[strings.LastIndexByte(rest, ']')+1:]
}
