package scaffold

import (
	"fmt"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// Part is something to be added to a package.
type Part struct {
	Kind    string // "channel", "presence" or "socket"
	Name    Name
	Dir     string // the folder of the package, made if it is not there
	Assigns string // the type of the sockets that a channel belongs to; "": the only one of the package
}

// Added is what was made.
type Added struct {
	Files []string
	Next  string // what is left to be done by hand
}

// Make writes the part's files. It overwrites nothing, and makes nothing that
// the package would not compile with.
func (p Part) Make() (Added, error) {
	pkg, err := readPackage(p.Dir)
	if err != nil {
		return Added{}, err
	}
	values := struct {
		Name

		Package string
		Assigns string
		Imports []string
	}{Name: p.Name, Package: pkg.name}
	if p.Kind == "channel" {
		a, err := p.assigns(pkg)
		if err != nil {
			return Added{}, err
		}
		values.Assigns, values.Imports = a.text, a.imports
	}
	files, err := render(p.Kind, p.Name.Snake, values)
	if err != nil {
		return Added{}, err
	}
	if err := mustNotExist(p.Dir, files); err != nil {
		return Added{}, err
	}
	if err := pkg.mustNotDeclare(files); err != nil {
		return Added{}, err
	}
	added := Added{Next: p.next(pkg.name)}
	for _, f := range files {
		added.Files = append(added.Files, filepath.Join(p.Dir, filepath.FromSlash(f.path)))
	}
	return added, write(p.Dir, files)
}

// assigns returns the type of the sockets that a channel is to belong to.
func (p Part) assigns(pkg *goPackage) (assigns, error) {
	var texts []string
	for _, a := range pkg.assigns {
		texts = append(texts, a.text)
	}
	switch i := slices.Index(texts, p.Assigns); {
	case len(texts) == 0:
		return assigns{}, fmt.Errorf("%s has no roost.Server that a channel could belong to: "+
			"make one with roost gen socket, or say with -dir where one is", p.Dir)
	case p.Assigns == "" && len(texts) == 1:
		return pkg.assigns[0], nil
	case p.Assigns == "":
		return assigns{}, fmt.Errorf("%s has sockets of %s: say with -assigns which of them the channel belongs to",
			p.Dir, strings.Join(texts, " and of "))
	case i < 0:
		return assigns{}, fmt.Errorf("%s has no sockets of %s, but of %s", p.Dir, p.Assigns, strings.Join(texts, " and of "))
	default:
		return pkg.assigns[i], nil
	}
}

// mustNotDeclare returns an error if files declare what the package has.
func (pkg *goPackage) mustNotDeclare(files []file) error {
	for _, f := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), f.path, f.data, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, name := range declarations(parsed) {
			if at, taken := pkg.declared[name.Name]; taken {
				return fmt.Errorf("%s is declared already, at %s: use another name", name.Name, at)
			}
		}
	}
	return nil
}

// next says what is left to be done by hand.
func (p Part) next(pkg string) string {
	replace := strings.NewReplacer("PACKAGE", pkg, "NAME", p.Name.Snake, "Pascal", p.Name.Pascal, "camel", p.Name.Camel)
	switch p.Kind {
	case "channel":
		return replace.Replace(`Add this line where the server is made:

	server.Handle("NAME:{id}", camelChannel())

and have the types of the page made anew: make generate, or go generate ./...
`)
	case "presence":
		return replace.Replace(`Make the tracker beside the server, with the PubSub that both use:

	camel := NewPascal(server.PubSub())

declare it where a handler is made, and call it in the handler's join callback:

	h.Tracks(camel)
	trackPascal(ctx, camel, ch, "the key of who joins")

and close the tracker when the server has shut down:

	camel.Close(ctx)
`)
	default:
		return replace.Replace(`Add these lines to main:

	camelSocket := PACKAGE.NewPascalSocket(secret) // at least 20 bytes, not in the source
	mux.Handle("/NAME_socket/", camelSocket)

and camelSocket.Shutdown(ctx) before that of the http.Server. camelSocket.Handle mounts channels, also in the function
that roost contract calls; camelSocket.Token is for the page of who has logged in:

	new Socket("/NAME_socket", { authToken: token })

It has a PubSub of its own: to share one with another server, and for presence and history, set PubSub where its
options are.
`)
	}
}
