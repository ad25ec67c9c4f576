package main

import (
	"context"
	"fmt"
	"io"

	"github.com/roost-dev/roost/cmd/roost/internal/scaffold"
)

const newHelp = `roost new [flags] NAME makes the folder NAME with a small working application: a server, a page that several
people can open, a test. NAME may be a path, whose last part names the program.
`

// runNew makes an application.
func runNew(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var app scaffold.App
	fs := newFlags("new", newHelp, stderr)
	fs.StringVar(&app.Module, "module", "", "`path` of the application's module (default: the program's name)")
	fs.StringVar(&app.Roost, "roost", "", "`folder` of Roost's source (default: what this program was built from)")
	names, err := parse(fs, args, "NAME")
	if err != nil {
		return err
	}
	app.Dir = names[0]
	if app.Roost == "" {
		app.Roost, err = scaffold.Checkout()
	} else {
		app.Roost, err = scaffold.AsCheckout(app.Roost)
	}
	if err != nil {
		return err
	}
	if err := app.Make(ctx); err != nil {
		return err
	}
	fmt.Fprintf(stdout, `%[1]s is ready:

	cd %[1]s
	make test
	make run
`, app.Dir)
	return nil
}
