package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// command runs a program in a folder, as one would in a terminal outside of
// Roost's workspace.
func command(t *testing.T, dir, name string, args ...string) (output string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustRun(t *testing.T, dir, name string, args ...string) (output string) {
	t.Helper()
	output, err := command(t, dir, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, output)
	}
	return output
}

func replaceIn(t *testing.T, file, old, replacement string) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(source, []byte(old)) != 1 {
		t.Fatalf("%s does not have %q once:\n%s", file, old, source)
	}
	source = bytes.Replace(source, []byte(old), []byte(replacement), 1)
	if err := os.WriteFile(file, source, 0o600); err != nil { //nolint:gosec // a file of this test's
		t.Fatal(err)
	}
}

// buildRoost builds the command, and newApp makes an application with it.
func buildRoost(t *testing.T) (roost string) {
	t.Helper()
	roost = filepath.Join(t.TempDir(), "roost")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", roost, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return roost
}

func newApp(t *testing.T, roost string) (dir string) {
	t.Helper()
	parent := t.TempDir()
	mustRun(t, parent, roost, "new", "demo")
	return filepath.Join(parent, "demo")
}

// An application as it comes, with one of everything added to it and mounted as
// roost gen says, passes its own tests.
func TestWhatIsGeneratedPassesItsTestsAndLints(t *testing.T) {
	roost := buildRoost(t)
	app := newApp(t, roost)
	server := filepath.Join(app, "live", "server.go")
	const mounted = "\tserver.Handle(\"rooms:{id}\", rooms())\n"

	for _, args := range [][]string{{"video_room"}, {"-assigns", "Visitor", "Videos"}} {
		out := mustRun(t, app, roost, append([]string{"gen", "channel"}, args...)...)
		wiring := regexp.MustCompile(`\tserver\.Handle.*\n`).FindString(out)
		replaceIn(t, server, mounted, mounted+wiring)
	}
	mustRun(t, app, roost, "gen", "presence", "viewers")
	replaceIn(t, server, mounted, mounted+"\t_ = NewViewers(server.PubSub())\n")
	mustRun(t, app, roost, "gen", "presence", "time") // as a package that it imports is called
	out := mustRun(t, app, roost, "gen", "socket", "user")
	main := filepath.Join(app, "main.go")
	const served, ended = "\tmux.Handle(\"/\", web.Handler())\n", "errors.Join(sockets.Shutdown(ctx)"
	mounting := regexp.MustCompile(`\tuserSocket := .*\n\tmux\.Handle.*\n`).FindString(out)
	replaceIn(t, main, served, "\tsecret := \"of at least 20 bytes\"\n"+mounting+served)
	replaceIn(t, main, ended, ended+", "+regexp.MustCompile(`userSocket\.Shutdown\(ctx\)`).FindString(out))
	mustRun(t, app, roost, "gen", "channel", "-assigns", "User", "inbox")

	mustRun(t, app, "make", "generate", "test")
	if out, err := checkTypes(t, app); err != nil {
		t.Errorf("make types: %v\n%s", err, out)
	}
	lint(t, app)
}

// checkTypes has the page checked by the compiler that the client is built
// with, which needs no network.
func checkTypes(t *testing.T, app string) (output string, err error) {
	t.Helper()
	tsc, err := filepath.Abs("../../client/ts/node_modules/.bin/tsc")
	if err != nil {
		t.Fatal(err)
	}
	return command(t, app, "make", "types", "TSC="+tsc)
}

// What pages and server say to each other cannot come apart unnoticed.
func TestAChangeThatThePageDoesNotKnowFailsTheTestsOfTheApplication(t *testing.T) {
	app := newApp(t, buildRoost(t))
	for _, test := range []struct{ file, old, replacement, want string }{
		{filepath.Join(app, "live", "rooms.go"), `json:"by"`, `json:"author"`, "web/contract.ts is out of date"},
		{filepath.Join(app, "web", "app.ts"), `"Offline.`, `"Not online.`, "web/static/app.js is out of date"},
	} {
		replaceIn(t, test.file, test.old, test.replacement)
		if out, err := command(t, app, "make", "test"); err == nil || !strings.Contains(out, test.want) {
			t.Errorf("make test after a change of %s: %v, want %q\n%s", test.file, err, test.want, out)
		}
		replaceIn(t, test.file, test.replacement, test.old)
	}
	mustRun(t, app, "make", "test")

	replaceIn(t, filepath.Join(app, "live", "rooms.go"), `json:"by"`, `json:"author"`)
	mustRun(t, app, "make", "generate")
	if out, err := checkTypes(t, app); err == nil || !strings.Contains(out, "'by' does not exist on type 'Message'") {
		t.Errorf("make types when the contract has another field than the page: %v\n%s", err, out)
	}
}

// What the client's README says of its smaller entry is true of applications.
func TestAPageMayUseTheCoreOfTheClient(t *testing.T) {
	app := newApp(t, buildRoost(t))
	replaceIn(t, filepath.Join(app, "web", "app.ts"), `"@roost-dev/client"`, `"@roost-dev/client/core"`)
	if out, err := checkTypes(t, app); err != nil {
		t.Errorf("make types: %v\n%s", err, out)
	}
	mustRun(t, app, "make", "generate", "test")
}

// lint runs golangci-lint with its own defaults, as an application has no
// settings for it, and in the version that the Makefile of Roost names.
func lint(t *testing.T, dir string) {
	t.Helper()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	linter := regexp.MustCompile(`GOLANGCI_LINT := (\S+)`).FindSubmatch(makefile)
	if linter == nil {
		t.Fatal("the Makefile names no linter")
	}
	version := strings.TrimSpace(mustRun(t, ".", "go", "env", "GOVERSION"))
	mustRun(t, dir, "env", "GOTOOLCHAIN="+version, "go", "run", string(linter[1]), "run", "--allow-parallel-runners", "./...")
}

func TestNothingIsOverwritten(t *testing.T) {
	roost := buildRoost(t)
	app := newApp(t, roost)
	mustRun(t, app, roost, "gen", "channel", "videos")
	video := filepath.Join(app, "live", "videos.go")
	before, err := os.ReadFile(video)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"new", "../demo"}, "the folder ../demo is there already, and not empty"},
		{[]string{"gen", "channel", "videos"}, "live/videos.go is there already; nothing was written"},
		{[]string{"gen", "presence", "videos"}, "live/videos.go is there already; nothing was written"},
		{[]string{"gen", "socket", "visitor"}, "Visitor is declared already, at live/server.go"},
	} {
		out, err := command(t, app, roost, test.args...)
		if err == nil || !strings.Contains(out, test.want) {
			t.Errorf("roost %s: %v, %q, want an error that says %q", strings.Join(test.args, " "), err, out, test.want)
		}
	}
	if after, err := os.ReadFile(video); err != nil || !bytes.Equal(before, after) {
		t.Errorf("live/videos.go has changed (%v)", err)
	}
}

func TestHelpIsThereInEitherOrder(t *testing.T) {
	roost := buildRoost(t)
	for _, command := range []string{"new", "gen", "contract", "bundle", "bench", "help"} {
		want := mustRun(t, ".", roost, command, "-help")
		if got := mustRun(t, ".", roost, "help", command); got != want {
			t.Errorf("roost help %s says\n%s\nand roost %s -help\n%s", command, got, command, want)
		}
	}
}

func TestWhatCannotBeMadeIsRefused(t *testing.T) {
	roost, dir := buildRoost(t), t.TempDir()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"new"}, "new needs NAME behind the flags, and was given nothing"},
		{[]string{"new", "Demo"}, `"Demo" cannot name a program`},
		{[]string{"new", "errors"}, `"errors" is a package of Go's own`},
		{[]string{"new", "go"}, `"go" is a name that Go keeps for itself`},
		{[]string{"new", "vendor"}, `"vendor" is a name that Go keeps for itself`},
		{[]string{"new", "-module", "a b", "demo"}, `"a b" is no module path`},
		{[]string{"new", "-roost", "nowhere", "demo"}, "nowhere does not hold Roost's source"},
		{[]string{"gen", "chanel", "videos"}, `there is no "chanel": give channel, presence or socket`},
		{[]string{"gen", "channel", "range"}, `"range" is a keyword of Go`},
		{[]string{"gen", "channel", "videos"}, "live has no roost.Server that a channel could belong to"},
		{[]string{"gen", "socket", "-dir", "9live", "user"}, `"9live" cannot name a package`},
		{[]string{"bundle", "app.ts"}, "bundle needs SCRIPT.ts and OUTPUT.js behind the flags"},
	} {
		out, err := command(t, dir, roost, test.args...)
		if err == nil || !strings.Contains(out, test.want) {
			t.Errorf("roost %s: %v, %q, want an error that says %q", strings.Join(test.args, " "), err, out, test.want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v was made (%v)", left, err)
	}
}
