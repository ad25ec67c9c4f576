// Package tutorial follows the tutorial as a newcomer does.
package tutorial

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const steps = 8

// block is a piece of a page: what to put into a file, or commands.
type block struct {
	kind string // "diff", "sh", or the language of a file that is shown whole
	file string
	text string
}

var (
	blocks  = regexp.MustCompile("(?ms)^```(\\w+) ?(\\S*)$\n(.*?)^```$")
	serving = regexp.MustCompile(`(?m)^(make run|go run .*|export .*)$`)
	trying  = regexp.MustCompile(`(?m)^make .*$`)
)

// page returns the blocks of a step.
func page(t *testing.T, step int) []block {
	t.Helper()
	names, err := filepath.Glob(fmt.Sprintf("../%d-*.md", step))
	if err != nil || len(names) != 1 {
		t.Fatalf("step %d has the pages %v, %v", step, names, err)
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	var found []block
	for _, m := range blocks.FindAllStringSubmatch(string(text), -1) {
		found = append(found, block{kind: m[1], file: m[2], text: m[3]})
	}
	return found
}

// follow does in the folder of an application what the block says.
func (b block) follow(t *testing.T, app string, tested bool) {
	t.Helper()
	file := filepath.Join(app, filepath.FromSlash(b.file))
	switch {
	case b.kind == "sh":
		commands := serving.ReplaceAllString(b.text, "")
		if !tested {
			commands = trying.ReplaceAllString(commands, "")
		}
		run(t, app, "bash", "-e", "-c", commands)
	case b.kind == "diff":
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, file, patch(t, b, string(content)))
	default:
		write(t, file, b.text)
	}
}

// patch returns content with the differences put in. Each must have one place
// only where it fits: a newcomer finds it by the lines around.
func patch(t *testing.T, b block, content string) string {
	t.Helper()
	for hunk := range strings.SplitSeq(b.text, "@@\n") {
		var before, after strings.Builder
		for line := range strings.Lines(hunk) {
			switch mark := line[0]; {
			case mark == '+':
				after.WriteString(line[1:])
			case mark == '-':
				before.WriteString(line[1:])
			default:
				line = strings.TrimPrefix(line, " ")
				before.WriteString(line)
				after.WriteString(line)
			}
		}
		whole := "\n" + content
		if n := strings.Count(whole, "\n"+before.String()); n != 1 {
			t.Fatalf("%s has %d places for\n%s", b.file, n, hunk)
		}
		content = strings.Replace(whole, "\n"+before.String(), "\n"+after.String(), 1)[1:]
	}
	return content
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil { //nolint:gosec // a file of this test's
		t.Fatal(err)
	}
}

// run runs a program in a folder, as one does outside of Roost's workspace.
func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// buildRoost builds the command that go tool roost runs.
func buildRoost(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "roost")
	run(t, ".", "go", "build", "-o", program, "github.com/roost-dev/roost/cmd/roost")
	return program
}

// code returns the files of a folder by their paths, as they are in an
// application of its own, but for those that are generated. Here, all steps are
// in one module.
func code(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "app.js" || d.Name() == "contract.ts" {
			return err
		}
		content, err := os.ReadFile(path) //nolint:gosec // nobody changes the folder meanwhile
		name := filepath.ToSlash(strings.TrimPrefix(path, dir+string(filepath.Separator)))
		files[name] = ownImport.ReplaceAllString(string(content), `"rumbl/`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var ownImport = regexp.MustCompile(`"rumbl/step\d/`)

// Who types what the pages say has the code of each step, and it works. That of
// all steps is tested in their folders; here it is tested in the end, and in a
// long run after each step.
func TestWhatThePagesSayMakesTheCodeOfEachStep(t *testing.T) {
	source, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	if err := os.Symlink(source, filepath.Join(parent, "roost")); err != nil {
		t.Fatal(err)
	}
	app := filepath.Join(parent, "rumbl")
	run(t, ".", buildRoost(t), "new", app)
	for step := 1; step <= steps; step++ {
		tested := step == steps || os.Getenv("ROOST_SOAK") != ""
		for _, b := range page(t, step) {
			b.follow(t, app, tested)
		}
		got, want := code(t, app), code(t, fmt.Sprintf("step%d", step))
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if got[name] != want[name] {
				t.Errorf("step %d: what the page says makes this of %s:\n%s", step, name, got[name])
			}
		}
		for name := range got {
			if _, ok := want[name]; !ok && filepath.Ext(name) == ".go" {
				t.Errorf("step %d leaves %s, which its folder does not have", step, name)
			}
		}
	}
}

func TestPagesKnowTheEventsOfTheirStepAndBuild(t *testing.T) {
	roost := buildRoost(t)
	for step := 1; step <= steps; step++ {
		dir := fmt.Sprintf("step%d", step)
		run(t, dir, roost, "contract", "-ts", "web/contract.ts", "-verify", "./live")
		run(t, dir, roost, "bundle", "web/app.ts", filepath.Join(t.TempDir(), "app.js"))
	}
}
