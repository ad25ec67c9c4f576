// Command bundle makes web/static/watch.js of the TypeScript in web/assets and
// of Roost's client, so that running Rumbl takes Go alone. The result is
// committed; a test fails while it is not what the sources say. Run it with
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

func main() {
	// go generate runs it in web.
	if err := run(".."); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	script, err := build(root)
	if err != nil {
		return err
	}
	return os.WriteFile(target(root), script, 0o600)
}

// target is the file that the page loads, for the module in the folder root.
func target(root string) string {
	return filepath.Join(root, "web", "static", "watch.js")
}

func build(root string) ([]byte, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     root,
		EntryPoints:       []string{"web/assets/watch.ts"},
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
		err := errors.New("the scripts do not build")
		for _, p := range problems {
			err = errors.Join(err, errors.New(p))
		}
		return nil, err
	}
	return result.OutputFiles[0].Contents, nil
}
