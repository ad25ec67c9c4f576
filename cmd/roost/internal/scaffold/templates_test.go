package scaffold

import (
	"bytes"
	"encoding/json/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTemplatesComeOutFormattedAndTheSame(t *testing.T) {
	values := map[string]any{
		"Name": "demo", "Module": "demo", "Roost": "/roost", "RoostInMod": "/roost", "CommandInMod": "/roost/cmd/roost", "Go": goVersion, "GoImage": "1.27",
		"Package": "live", "Assigns": "accounts.User", "Imports": []string{`"example.com/accounts"`},
		"Snake": "video_room", "Pascal": "VideoRoom", "Camel": "videoRoom",
	}
	for _, kind := range []string{"new", "channel", "presence", "socket"} {
		files, err := render(kind, "video_room", values)
		if err != nil {
			t.Fatal(err)
		}
		again, err := render(kind, "video_room", values)
		if err != nil {
			t.Fatal(err)
		}
		same := slices.EqualFunc(files, again, func(a, b file) bool { return a.path == b.path && bytes.Equal(a.data, b.data) })
		if !same || len(files) == 0 {
			t.Errorf("%s comes out as %d files, and differently the second time", kind, len(files))
		}
		for _, f := range files {
			if strings.Contains(f.path, ".tmpl") || strings.Contains(f.path, "NAME") || bytes.Contains(f.data, []byte("<no value>")) {
				t.Errorf("%s is not filled in", f.path)
			}
			if !bytes.HasSuffix(f.data, []byte("\n")) || bytes.HasSuffix(f.data, []byte("\n\n")) {
				t.Errorf("%s does not end with one line feed", f.path)
			}
		}
	}
}

// A folder may have any name, and the go command is to understand it.
func TestTheCheckoutMayBeInAnyFolder(t *testing.T) {
	for _, dir := range []string{"/src/roost", "/my sources/roost", `/a "b"/roost`} {
		files, err := render("new", "", App{Dir: "demo", Module: "demo", Roost: dir}.values())
		if err != nil {
			t.Fatal(err)
		}
		mod := filepath.Join(t.TempDir(), "go.mod")
		i := slices.IndexFunc(files, func(f file) bool { return f.path == "go.mod" })
		if err := os.WriteFile(mod, files[i].data, 0o600); err != nil {
			t.Fatal(err)
		}
		read, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", mod).CombinedOutput()
		quoted, _ := json.Marshal(dir + "/cmd/roost")
		if err != nil || !bytes.Contains(read, quoted) {
			t.Errorf("%s: %v\n%s", dir, err, read)
		}
	}
}

func TestAPackageTellsWhatItsSocketsBelongTo(t *testing.T) {
	for _, test := range []struct {
		name, source string
		want         []assigns
	}{
		{"none", "package live", nil},
		{"own", "package live\nimport \"github.com/roost-dev/roost\"\nvar _ *roost.Server[Visitor]\nvar _ roost.Options[Visitor]", []assigns{{text: "Visitor"}}},
		{"another's", "package live\nimport (\n\tr \"github.com/roost-dev/roost\"\n\tpeople \"example.com/accounts\"\n)\nvar _ *r.Socket[*people.User]",
			[]assigns{{text: "*people.User", imports: []string{`people "example.com/accounts"`}}}},
		{"another's, by what the path is called before its version", "package live\nimport (\n\t\"github.com/roost-dev/roost\"\n\t\"example.com/accounts/v2\"\n)\nvar _ *roost.Server[map[accounts.ID]accounts.User]",
			[]assigns{{text: "map[accounts.ID]accounts.User", imports: []string{`"example.com/accounts/v2"`}}}},
		{"Roost's own", "package live\nimport \"github.com/roost-dev/roost\"\nvar _ *roost.Server[roost.Ack]", []assigns{{text: "roost.Ack"}}},
		{"two", "package live\nimport \"github.com/roost-dev/roost\"\nvar _ *roost.Server[Visitor]\nvar _ *roost.Server[string]", []assigns{{text: "Visitor"}, {text: "string"}}},
		{"of another package", "package live\nimport \"example.com/roost\"\nvar _ *roost.Server[Visitor]", nil},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "server.go"), []byte(test.source), 0o600); err != nil {
			t.Fatal(err)
		}
		program := "//go:build ignore\n\npackage main\n\nimport \"github.com/roost-dev/roost\"\n\nvar _ *roost.Server[int]\n"
		if err := os.WriteFile(filepath.Join(dir, "zz_gen.go"), []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
		pkg, err := readPackage(dir)
		if err != nil {
			t.Fatal(err)
		}
		same := slices.EqualFunc(pkg.assigns, test.want, func(a, b assigns) bool { return a.text == b.text && slices.Equal(a.imports, b.imports) })
		if !same || pkg.name != "live" {
			t.Errorf("%s: package %s, %v, want %v", test.name, pkg.name, pkg.assigns, test.want)
		}
	}
}
