// Package bundle makes one script of TypeScript, with esbuild: roost bundle.
package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// Build returns the script that the TypeScript in the file entry is made into,
// with all that it imports: an ES module, small, and the same for the same
// source. Imports are found by the "paths" of the tsconfig.json above entry,
// and in node_modules. Types are not checked: tsc does that.
func Build(entry string) ([]byte, error) {
	entry, err := filepath.Abs(entry)
	if err != nil {
		return nil, err
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     filepath.Dir(entry),
		EntryPoints:       []string{entry},
		Bundle:            true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		Charset:           api.CharsetUTF8,
		MinifySyntax:      true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		LineLimit:         160, // so that a change can be seen in a diff
		LegalComments:     api.LegalCommentsNone,
		Outfile:           "out.js", // names the one result
	})
	if len(result.Errors) == 0 {
		return result.OutputFiles[0].Contents, nil
	}
	problems := []error{errors.New("the script does not build")}
	for _, p := range api.FormatMessages(result.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage}) {
		problems = append(problems, errors.New(p))
	}
	return nil, errors.Join(problems...)
}

// Write makes the file target of entry.
func Write(entry, target string) error {
	script, err := Build(entry)
	if err != nil {
		return err
	}
	return os.WriteFile(target, script, 0o644) //nolint:gosec // for all to read, as other sources
}

// Verify returns an error unless the file target is what entry is made into.
func Verify(entry, target string) error {
	want, err := Build(entry)
	if err != nil {
		return err
	}
	got, err := os.ReadFile(target)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s is out of date, as %s says otherwise: run roost bundle without -verify, or go generate", target, entry)
	}
	return nil
}
