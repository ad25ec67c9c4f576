// Command bundle makes the scripts and style sheets in web/static of those in
// web/assets and of Roost's client, so that running Rumbl takes Go alone. The
// result is committed; a test fails while it is not what the sources say. Run
// it with
//
//	go generate ./...
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// entries are what pages load, each with all that it imports.
var entries = []string{"web/assets/app.css", "web/assets/site.ts", "web/assets/watch.css", "web/assets/watch.ts"}

func main() {
	// go generate runs it in web.
	if err := run(".."); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	files, err := build(root)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := os.WriteFile(file.Path, file.Contents, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// build returns the files that belong into web/static, for the module in the
// folder root.
func build(root string) ([]api.OutputFile, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     root,
		EntryPoints:       entries,
		Outdir:            "web/static",
		Alias:             map[string]string{"@roost-dev/client": filepath.Join(root, "../../client/ts/src/index.ts")},
		Bundle:            true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		Charset:           api.CharsetUTF8,
		MinifySyntax:      true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		LineLimit:         160, // so that a change can be seen in a diff
		LegalComments:     api.LegalCommentsNone,
		TsconfigRaw:       `{"compilerOptions": {"useDefineForClassFields": true}}`,
	})
	if len(result.Errors) > 0 {
		problems := api.FormatMessages(result.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage})
		err := errors.New("the scripts and styles do not build")
		for _, p := range problems {
			err = errors.Join(err, errors.New(p))
		}
		return nil, err
	}
	return result.OutputFiles, nil
}
