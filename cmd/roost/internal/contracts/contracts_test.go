package contracts

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roost-dev/roost/contract"
)

// runContract runs roost contract and returns what it prints.
func runContract(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err := Run(t.Context(), args, &stdout, &stderr)
	return stdout.String(), err
}

// What is written for an application with types of every sort is in testdata;
// go generate ./testdata/shop writes it anew.
func TestAnApplicationWithTypesOfEverySort(t *testing.T) {
	if _, err := runContract(t, "-verify", "-ts", "testdata/shop.ts", "-asyncapi", "testdata/shop.asyncapi.json",
		"-o", "testdata/shop.contract.json", "-check", "testdata/shop.contract.json", "./testdata/shop"); err != nil {
		t.Error(err)
	}
	printed, err := runContract(t, "./testdata/shop")
	saved, readErr := os.ReadFile("testdata/shop.contract.json")
	if errors.Join(err, readErr) != nil || printed != string(saved) {
		t.Errorf("without a flag it printed %q (%v), want what -o writes", printed, err)
	}
}

func TestFilesThatAreOutOfDate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.ts")
	if _, err := runContract(t, "-verify", "-ts", file, "./testdata/shop"); err == nil || !strings.Contains(err.Error(), "without -verify") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := runContract(t, "-ts", file, "./testdata/shop"); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old := strings.Replace(string(written), "count: number", "count: string", 1)
	file = writeFile(t, "shop.ts", []byte(old))
	_, err = runContract(t, "-verify", "-ts", file, "./testdata/shop")
	for _, want := range []string{"shop.ts is out of date", "\tcount: string\n", "\tcount: number"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want it to say %q", err, want)
		}
	}
	if kept, _ := os.ReadFile(file); string(kept) != old {
		t.Error("-verify has written the file")
	}
}

// An application that cannot be asked is told what is wrong, and left as it is.
func TestApplicationsThatCannotBeAsked(t *testing.T) {
	for name, test := range map[string]struct{ source, wants string }{
		"does not compile": {"package app\n\nfunc Contract() { return 1 }\n", "app.go:3:26: too many return values"},
		"is not Go":        {"package app\n\nfunc {\n", "app.go:3:6"},
		"no function":      {"package app\n", "func Contract() (*contract.Contract, error)"},
		"another function": {"package app\n\nfunc Contract() int { return 1 }\n", "func Contract() (*contract.Contract, error)"},
		"no Go":            {"", "no Go files"},
		"fails": {"package app\n\nimport (\n\t\"errors\"\n\t\"github.com/roost-dev/roost/contract\"\n)\n\n" +
			"func Contract() (*contract.Contract, error) { return nil, errors.New(\"it rains\") }\n", "it rains"},
		"panics": {"package app\n\nimport \"github.com/roost-dev/roost/contract\"\n\n" +
			"func Contract() (*contract.Contract, error) { panic(\"it snows\") }\n", "failed: exit status 2\npanic: it snows"},
		"ends": {"package app\n\nimport (\n\t\"os\"\n\t\"github.com/roost-dev/roost/contract\"\n)\n\n" +
			"func Contract() (*contract.Contract, error) { os.Exit(0); return nil, nil }\n", "ended before its Contract was asked"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := newPackage(t, test.source)
			_, err := runContract(t, "-ts", filepath.Join(t.TempDir(), "app.ts"), folder)
			if err == nil || !strings.Contains(err.Error(), test.wants) {
				t.Errorf("the error is %v, want it to say %q", err, test.wants)
			}
			left, err := os.ReadDir(folder)
			if err != nil || len(left) > 1 {
				t.Errorf("it left %v behind (%v)", left, err)
			}
		})
	}
}

// The contract of a program is asked before it begins, whatever it prints.
func TestAMainPackage(t *testing.T) {
	folder := newPackage(t, `package main

import (
	"context"
	"fmt"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/contract"
)

func init() { fmt.Println("{}") }

func main() { panic("it began") }

func json() {}

func os() {}

// Hello is said first.
type Hello struct {
	Name string `+"`json:\"name\"`"+` // whose
}

func Sockets() (*contract.Contract, error) {
	server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (int, error) { return 0, nil }, nil)
	server.Handle("room:*", roost.NewHandler(func(context.Context, *roost.Channel[int], *roost.Socket[int], Hello) (roost.Ack, error) {
		return roost.Ack{}, nil
	}, nil))
	return server.Contract()
}
`)
	file := filepath.Join(t.TempDir(), "app.ts")
	if _, err := runContract(t, "-ts", file, "-func", "Sockets", folder); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(file)
	want := "/** Hello is said first. */\nexport interface Hello {\n  /** whose */\n  name: string\n}\n"
	if err != nil || !strings.HasSuffix(string(written), want) {
		t.Errorf("it wrote %s (%v), want it to end in %s", written, err, want)
	}
}

func TestWrongArguments(t *testing.T) {
	for _, test := range []struct {
		wants string
		args  []string
	}{
		{"one package at a time", []string{"./testdata/shop", "-ts", "x.ts"}},
		{"2 packages", []string{"./testdata/shop/..."}},
		{"no such file", []string{"-check", "testdata/nothing.json", "./testdata/shop"}},
		{"not a contract", []string{"-check", "testdata/shop.asyncapi.json", "./testdata/shop"}},
	} {
		if _, err := runContract(t, test.args...); err == nil || !strings.Contains(err.Error(), test.wants) {
			t.Errorf("%v: the error is %v, want it to say %q", test.args, err, test.wants)
		}
	}
	if _, err := runContract(t, "-help"); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-help: %v", err)
	}
}

// newPackage makes a package of this module, so that it may import Roost.
func newPackage(t *testing.T, source string) string {
	t.Helper()
	folder, err := os.MkdirTemp("testdata", "app") //nolint:usetesting // one outside the module could not import Roost
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if source != "" {
		if err := os.WriteFile(filepath.Join(folder, "app.go"), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return "./" + folder
}

func writeFile(t *testing.T, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil { //nolint:gosec // a file of this test
		t.Fatal(err)
	}
	return file
}

func readContract(t *testing.T, file string) *contract.Contract {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The compiler takes the page of the shop, and that of the guide, as they are
// meant; `make client/ts/node_modules` installs it.
func TestPagesAreTyped(t *testing.T) {
	compiler := exec.Command("../../../../client/ts/node_modules/.bin/tsc", "-p", "testdata/ts")
	if said, err := compiler.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
