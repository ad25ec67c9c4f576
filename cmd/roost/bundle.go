package main

import (
	"io"

	"github.com/roost-dev/roost/cmd/roost/internal/bundle"
)

const bundleHelp = `roost bundle [flags] SCRIPT.ts OUTPUT.js makes one script of TypeScript and all that it imports, for browsers.
It needs no Node.js. Types are not checked; tsc does that.
`

// runBundle makes a script for browsers.
func runBundle(args []string, stderr io.Writer) error {
	fs := newFlags("bundle", bundleHelp, stderr)
	verify := fs.Bool("verify", false, "write nothing, but fail if OUTPUT.js is out of date")
	names, err := parse(fs, args, "SCRIPT.ts", "OUTPUT.js")
	if err != nil {
		return err
	}
	if *verify {
		return bundle.Verify(names[0], names[1])
	}
	return bundle.Write(names[0], names[1])
}
