// Package contracts is the command roost contract: it asks an application what
// it and its clients say to each other, and writes and checks that.
package contracts

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/roost-dev/roost/contract"
)

const help = `roost contract asks an application for its events and their types, by compiling it,
and writes and checks what its clients are to know.

Usage:

    roost contract [flags] [package]

    roost contract -ts web/contract.ts ./live           write types for the page
    roost contract -ts web/contract.ts -verify ./live   fail if they are out of date
    roost contract -o contract.json ./live              save what clients rely on now
    roost contract -check contract.json ./live          fail on a change that breaks them

The package, by default the one in this folder, has a function

    func Contract() (*contract.Contract, error)

which returns what Contract of a roost.Server with all its handlers does. Events, types
and fields get the comments that they have in the source; nothing else is read from it.
Without a flag the contract is printed, as JSON.

Flags:

`

type options struct {
	function, ts, asyncapi, output, check string
	verify                                bool
}

// Run runs roost contract with the arguments after these words. What it finds
// goes to stdout, help to stderr. It returns [flag.ErrHelp] after showing help
// that was asked for.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	fs := flag.NewFlagSet("roost contract", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.ts, "ts", "", "write TypeScript to this `file`: types, and functions that make typed channels")
	fs.StringVar(&o.asyncapi, "asyncapi", "", "write an AsyncAPI 3.0 document, as JSON, to this `file`")
	fs.StringVar(&o.output, "o", "", "write the contract, as JSON, to this `file`: what -check compares with")
	fs.StringVar(&o.check, "check", "", "fail if clients that know the contract in this `file` would break")
	fs.BoolVar(&o.verify, "verify", false, "write no file, but fail if one would change")
	fs.StringVar(&o.function, "func", "Contract", "the `name` of the package's function")
	fs.Usage = func() {
		fmt.Fprint(stderr, help)
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 1 {
		return fmt.Errorf("one package at a time, after the flags: got %q", strings.Join(fs.Args(), " "))
	}
	pattern := "."
	if fs.NArg() == 1 {
		pattern = fs.Arg(0)
	}
	p, err := findPackage(ctx, "", pattern)
	if err != nil {
		return err
	}
	c, err := ask(ctx, p, o.function)
	if err != nil {
		return err
	}
	if err := addComments(ctx, c, p); err != nil {
		return err
	}
	return o.finish(c, p, stdout)
}

// finish checks and writes what is asked for.
func (o options) finish(c *contract.Contract, p goPackage, stdout io.Writer) error {
	if o.check != "" {
		if err := checkAgainst(o.check, c); err != nil {
			return err
		}
	}
	saved, err := indented(c)
	if err != nil {
		return err
	}
	files := []struct {
		name string
		data func() ([]byte, error)
	}{
		{o.ts, func() ([]byte, error) { return typeScript(c, p.ImportPath), nil }},
		{o.asyncapi, func() ([]byte, error) { return asyncAPI(c, p.ImportPath) }},
		{o.output, func() ([]byte, error) { return saved, nil }},
	}
	asked := o.check != ""
	var stale []error
	for _, file := range files {
		if file.name == "" {
			continue
		}
		asked = true
		data, err := file.data()
		if err != nil {
			return err
		}
		if err := o.put(file.name, data); err != nil {
			stale = append(stale, err)
		}
	}
	if !asked {
		_, err = stdout.Write(saved)
		return err
	}
	return errors.Join(stale...)
}

// put writes a file, or says how it differs.
func (o options) put(name string, data []byte) error {
	if !o.verify {
		return os.WriteFile(name, data, 0o644) //nolint:gosec // a source file, for all to read
	}
	old, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("%w: run roost contract without -verify", err)
	}
	if bytes.Equal(old, data) {
		return nil
	}
	was, is := strings.Split(string(old), "\n"), strings.Split(string(data), "\n")
	at := 0
	for at < len(was)-1 && at < len(is)-1 && was[at] == is[at] {
		at++
	}
	return fmt.Errorf("%s is out of date: run roost contract without -verify, or go generate; line %d is\n\t%s\nand would be\n\t%s",
		name, at+1, strings.TrimSpace(was[at]), strings.TrimSpace(is[at]))
}

// indented encodes a file that people may read.
func indented(v any) ([]byte, error) {
	data, err := json.Marshal(v, json.Deterministic(true), jsontext.WithIndent("  "))
	return append(data, '\n'), err
}
