package main

import (
	"bytes"
	"compress/gzip"
	"path/filepath"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

// What a page loads of the TypeScript client: minified, bundled and compressed,
// as a server of static files sends it.
func TestTheClientIsSmall(t *testing.T) {
	t.Parallel()
	for _, library := range []struct {
		name, entry string
		limit       int
	}{
		{"socket, channel, push, WebSocket and presence", "client/ts/src/core.ts", 9 << 10},
		{"everything", "client/ts/src/index.ts", 14 << 10},
	} {
		size := compressed(t, library.entry)
		t.Logf("%s: %d bytes", library.name, size)
		if size > library.limit {
			t.Errorf("%s: %d bytes are more than %d", library.name, size, library.limit)
		}
	}
	t.Logf("the stock client, for comparison: %d bytes", compressed(t, "test/node_modules/phoenix/priv/static/phoenix.mjs"))
}

func compressed(t *testing.T, entry string) int {
	t.Helper()
	root, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     root,
		EntryPoints:       []string{entry},
		Bundle:            true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		MinifySyntax:      true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		LegalComments:     api.LegalCommentsNone,
		TsconfigRaw:       `{"compilerOptions": {"useDefineForClassFields": true}}`,
	})
	if len(result.Errors) > 0 {
		t.Fatalf("bundle %s: %s; \"make client/ts/node_modules test/node_modules\" installs the stock client", entry, result.Errors[0].Text)
	}
	var body bytes.Buffer
	w, err := gzip.NewWriterLevel(&body, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(result.OutputFiles[0].Contents); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return body.Len()
}
