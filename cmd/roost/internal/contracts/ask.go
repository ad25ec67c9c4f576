package contracts

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/roost-dev/roost/contract"
)

// goPackage is what go list tells of a package.
type goPackage struct {
	Dir        string
	ImportPath string
	Name       string
	GoFiles    []string
	Standard   bool
}

// listPackages asks the go command, in a folder.
func listPackages(ctx context.Context, dir string, patterns ...string) ([]goPackage, error) {
	list := exec.CommandContext(ctx, "go", append([]string{"list", "-json=Dir,ImportPath,Name,GoFiles,Standard", "--"}, patterns...)...)
	list.Dir = dir
	var stderr strings.Builder
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, strings.TrimSpace(stderr.String()))
	}
	var found []goPackage
	for values := jsontext.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		switch err := json.UnmarshalDecode(values, &p); {
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil:
			return nil, fmt.Errorf("go list: %w", err)
		}
		found = append(found, p)
	}
}

// findPackage finds the one package that pattern names.
func findPackage(ctx context.Context, dir, pattern string) (goPackage, error) {
	found, err := listPackages(ctx, dir, pattern)
	switch {
	case err != nil:
		return goPackage{}, err
	case len(found) != 1:
		return goPackage{}, fmt.Errorf("%s stands for %d packages: name the one that has the function", pattern, len(found))
	}
	return found[0], nil
}

// A question is what has the application tell its contract: a program that
// imports the package or, since nothing can import a main package, a file of
// that program, which ends it before main. Its imports have names that no
// program has declared. Output is a file, so that the application may print
// what it likes.
var question = template.Must(template.New("").Parse(`package main

import (
	question_json "encoding/json/v2"
	question_fmt "fmt"
	question_os "os"

	question_contract "github.com/roost-dev/roost/contract"
{{- if .Import}}

	app {{printf "%q" .Import}}
{{- end}}
)

func {{if .Import}}main{{else}}init{{end}}() {
	var describe func() (*question_contract.Contract, error) = {{if .Import}}app.{{end}}{{.Function}}
	c, err := describe()
	if err == nil {
		var data []byte
		if data, err = question_json.Marshal(c); err == nil {
			err = question_os.WriteFile({{printf "%q" .Output}}, data, 0o600)
		}
	}
	if err != nil {
		question_fmt.Fprintln(question_os.Stderr, err)
		question_os.Exit(1)
	}
	question_os.Exit(0)
}
`))

// questionName is the file of the question, as the compiler knows it.
const questionName = "zz_roost_contract.go"

// ask compiles the package and has its function tell the contract. It leaves
// nothing behind: the go command is shown files that are elsewhere.
func ask(ctx context.Context, p goPackage, function string) (*contract.Contract, error) {
	tmp, err := os.MkdirTemp("", "roost-contract-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	q := struct{ Import, Function, Output string }{p.ImportPath, function, filepath.Join(tmp, "contract.json")}
	folder := filepath.Join(p.Dir, "zz_roost_contract")
	if p.Name == "main" {
		q.Import, folder = "", p.Dir
	}
	var source bytes.Buffer
	if err := question.Execute(&source, q); err != nil {
		return nil, err
	}
	file := filepath.Join(tmp, questionName)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(folder, questionName): file}})
	if err != nil {
		return nil, err
	}
	overlayFile, program := filepath.Join(tmp, "overlay.json"), filepath.Join(tmp, "ask.exe") // Windows runs nothing else
	if err := errors.Join(os.WriteFile(file, source.Bytes(), 0o600), os.WriteFile(overlayFile, overlay, 0o600)); err != nil {
		return nil, err
	}
	said, err := run(ctx, p.Dir, "go", "build", "-overlay", overlayFile, "-o", program, folder)
	switch {
	case strings.Contains(said, questionName):
		return nil, fmt.Errorf(`%s has no function that tells its contract; it needs

	func %s() (*contract.Contract, error)

which returns what Contract of a roost.Server with its handlers does. The compiler says:
%s`, p.ImportPath, function, said)
	case err != nil:
		return nil, fmt.Errorf("%s does not compile: %w\n%s", p.ImportPath, err, said)
	}
	if said, err := run(ctx, p.Dir, program); err != nil {
		return nil, fmt.Errorf("%s of %s failed: %w\n%s", function, p.ImportPath, err, said)
	}
	data, err := os.ReadFile(q.Output)
	if err != nil {
		return nil, fmt.Errorf("%s ended before its %s was asked: %w", p.ImportPath, function, err)
	}
	return decode(data)
}

// run runs a program and returns what it said.
func run(ctx context.Context, dir, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	said, err := c.CombinedOutput()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return strings.TrimSpace(string(said)), err
}

func decode(data []byte) (*contract.Contract, error) {
	c := &contract.Contract{}
	if err := json.Unmarshal(data, c, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("this is not a contract that roost contract has written: %w", err)
	}
	return c, nil
}
