package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// newFlags returns the flags of a command. Asked for help, they show about.
func newFlags(command, about string, stderr io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet("roost "+command, flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprint(stderr, about+"\nFlags:\n\n")
		fs.PrintDefaults()
	}
	return fs
}

// parse parses the arguments of a command, flags first, and returns what
// stands for names.
func parse(fs *flag.FlagSet, args []string, names ...string) ([]string, error) {
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() != len(names) {
		given := "nothing"
		if fs.NArg() > 0 {
			given = fmt.Sprintf("%q", fs.Args())
		}
		return nil, fmt.Errorf("%s needs %s behind the flags, and was given %s",
			strings.TrimPrefix(fs.Name(), "roost "), strings.Join(names, " and "), given)
	}
	return fs.Args(), nil
}
