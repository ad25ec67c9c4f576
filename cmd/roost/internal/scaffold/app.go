// Package scaffold writes applications that use Roost, and parts of them:
// roost new, and roost gen.
package scaffold

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// App is an application to be made.
type App struct {
	Dir    string // the folder, which must not exist or be empty; its last part names the program
	Module string // the path of its module; "": the name
	Roost  string // the folder of Roost's source, absolute
}

var (
	programPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)
	modulePattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]*(/[A-Za-z0-9._~-]+)*$`)
)

// Make makes the application, with what is generated in it, so that it can be
// run, tested and committed as it is. It runs the go command.
func (a App) Make(ctx context.Context) error {
	name := filepath.Base(a.Dir)
	if !programPattern.MatchString(name) {
		return fmt.Errorf("%q cannot name a program: begin with a letter, and use small letters, digits, - and _", name)
	}
	if a.Module == "" {
		a.Module = name
	}
	if err := a.checkModule(ctx); err != nil {
		return err
	}
	if entries, err := os.ReadDir(a.Dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("the folder %s is there already, and not empty", a.Dir)
	}
	files, err := render("new", "", a.values())
	if err != nil {
		return err
	}
	if err := write(a.Dir, files); err != nil {
		return err
	}
	for _, args := range [][]string{{"mod", "tidy"}, {"generate", "./..."}} {
		if err := goIn(ctx, a.Dir, args...); err != nil {
			return fmt.Errorf("%s is written, but not complete: %w", a.Dir, err)
		}
	}
	return nil
}

// values are what the templates are filled in with.
func (a App) values() map[string]string {
	roost := filepath.ToSlash(a.Roost)
	return map[string]string{
		"Name": filepath.Base(a.Dir), "Module": a.Module, "Go": goVersion, "GoImage": strings.TrimSuffix(goVersion, ".0"),
		"Roost": roost, "RoostInMod": inMod(roost), "CommandInMod": inMod(roost + "/cmd/roost"),
	}
}

// inMod writes a path as go.mod wants it.
func inMod(path string) string {
	if strings.ContainsAny(path, " \t\"'`,()[]{}") || strings.Contains(path, "//") {
		return strconv.Quote(path)
	}
	return path
}

// goVersion is what applications ask for: what Roost does.
const goVersion = "1.27.0"

// checkModule refuses a module path that hides a package of Go's own, and what
// is no module path at all.
func (a App) checkModule(ctx context.Context) error {
	if !modulePattern.MatchString(a.Module) {
		return fmt.Errorf("%q is no module path, such as example.com/me/demo", a.Module)
	}
	if a.Module == "go" || slices.Contains(strings.Split(a.Module, "/"), "vendor") {
		return fmt.Errorf("%q is a name that Go keeps for itself: use another, or give a module path with -module", a.Module)
	}
	if err := goIn(ctx, os.TempDir(), "list", a.Module); err == nil {
		return fmt.Errorf("%q is a package of Go's own: use another name, or give a module path with -module", a.Module)
	}
	return nil
}

// goIn runs the go command in dir, by itself and not in a workspace.
func goIn(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOTOOLCHAIN=auto")
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("go %s: %w", strings.Join(args, " "), errors.Join(err, errors.New(strings.TrimSpace(string(out)))))
	}
	return err
}
