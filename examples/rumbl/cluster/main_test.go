package main

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"
)

// asCommand makes this test binary the command.
const asCommand = "RUMBL_CLUSTER_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) == "" {
		m.Run()
		return
	}
	main()
}

// buildRumbl builds it as this test was built, so that what it is made of is
// built already.
func buildRumbl(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "rumbl")
	args := []string{"build", "-o", program}
	info, _ := debug.ReadBuildInfo()
	if slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "..")...).CombinedOutput(); err != nil {
		t.Fatalf("build Rumbl: %v\n%s", err, out)
	}
	return program
}

// running is the command, as somebody runs it in a terminal.
type running struct {
	*testing.T

	command *exec.Cmd
	lines   *bufio.Scanner
	folder  string            // for temporary files
	addr    map[string]string // of each node's pages
	pid     map[string]int    // of each node
}

func start(t *testing.T, rumbl string) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{T: t, addr: map[string]string{}, pid: map[string]int{}, folder: tempDir(t)}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	r.command = exec.CommandContext(ctx, self, "-addr", "localhost:0", rumbl)
	r.command.Env = append(os.Environ(), asCommand+"=1", "TMPDIR="+r.folder)
	r.command.Stderr = t.Output()
	stdout, err := r.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.command.Start(); err != nil {
		t.Fatal(err)
	}
	r.lines = bufio.NewScanner(stdout)
	for range 3 {
		r.ready()
	}
	r.prints(`^Rumbl on (http://\S+)$`)
	return r
}

// tempDir is one in which the user postgres may write, too. Its path is short,
// as that of PostgreSQL's socket must be.
func tempDir(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "rumbl-test-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return folder
}

// prints waits for a line, and returns what the pattern captures of it.
func (r *running) prints(pattern string) []string {
	r.Helper()
	line := regexp.MustCompile(pattern)
	for r.lines.Scan() {
		if found := line.FindStringSubmatch(r.lines.Text()); found != nil {
			return found[1:]
		}
	}
	r.Fatalf("it printed nothing like %q to its end (%v)", pattern, r.lines.Err())
	return nil
}

// ready waits until a node is, and returns its name.
func (r *running) ready() string {
	r.Helper()
	found := r.prints(`node (\w) is ready at http://(\S+); to kill it: kill -9 (\d+)$`)
	name := found[0]
	r.addr[name] = found[1]
	r.pid[name], _ = strconv.Atoi(found[2])
	return name
}

// leavesNothing waits until no node serves and no temporary file is left but
// those that are excepted.
func (r *running) leavesNothing(except string) {
	r.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		var left []string
		for _, addr := range r.addr {
			if conn, err := net.Dial("tcp", addr); err == nil {
				conn.Close()
				left = append(left, addr)
			}
		}
		files, err := filepath.Glob(filepath.Join(r.folder, "*"))
		if err != nil {
			r.Fatal(err)
		}
		left = slices.Concat(left, slices.DeleteFunc(files, func(file string) bool {
			excepted, _ := filepath.Match(except, filepath.Base(file))
			return excepted
		}))
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			r.Fatalf("left 30 s later: %v", left)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestTheClusterOutlivesItsNodesAndNothingOutlivesTheCluster(t *testing.T) {
	rumbl := buildRumbl(t)

	t.Run("a node that is killed comes back under its name", func(t *testing.T) {
		r := start(t, rumbl)
		pid, addr := r.pid["b"], r.addr["b"]
		b, err := os.FindProcess(pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Kill(); err != nil {
			t.Fatal(err)
		}
		r.prints(`node b has ended \(signal: killed\)`)
		if name := r.ready(); name != "b" || r.pid["b"] == pid || r.addr["b"] != addr {
			t.Errorf("ready is %s at %s with pid %d, want b at %s with another than %d", name, r.addr[name], r.pid[name], addr, pid)
		}
		if err := r.command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		for r.lines.Scan() {
			t.Errorf("while it ends it prints %q", r.lines.Text())
		}
		if err := r.command.Wait(); err != nil {
			t.Errorf("ended with %v", err)
		}
		r.leavesNothing("")
	})

	t.Run("killed itself, it takes everything with it", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("only Linux ends a process with its parent")
		}
		r := start(t, rumbl)
		if err := r.command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		var killed *exec.ExitError
		if err := r.command.Wait(); !errors.As(err, &killed) {
			t.Errorf("ended with %v", err)
		}
		r.leavesNothing("rumbl-cluster-*") // the secrets and the history, which nobody is there to remove
	})
}
