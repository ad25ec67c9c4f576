package pgserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// asProgram makes this test binary a program that starts a server and waits to
// be killed.
const asProgram = "PGSERVER_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		m.Run()
		return
	}
	server, err := Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(server.folder)
	select {}
}

func TestDatabasesOfOneServerAreApart(t *testing.T) {
	for range 2 {
		conn, err := pgx.Connect(t.Context(), NewDatabase(t))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
		if _, err := conn.Exec(t.Context(), "CREATE TABLE here (id int)"); err != nil {
			t.Error(err)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	server, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	url, err := server.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(server.folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its folder: %v, want it to be gone", err)
	}
	if conn, err := pgx.Connect(t.Context(), url); err == nil {
		t.Error("it still takes connections")
		conn.Close(t.Context())
	}
}

func TestAServerEndsWithAProgramThatIsKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := exec.Command(self)
	program.Env = append(os.Environ(), asProgram+"=1")
	program.Stderr = os.Stderr
	stdout, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	folder := strings.TrimSpace(line)
	if err != nil || folder == "" {
		t.Fatalf("the program told %q (%v), want the server's folder", line, err)
	}
	socket := filepath.Join(folder, ".s.PGSQL.5432")
	if _, err := os.Stat(socket); err != nil {
		t.Errorf("before: %v", err)
	}
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	program.Wait()
	deadline := time.Now().Add(30 * time.Second)
	for {
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there 30 s later", folder)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := find(filepath.Join(t.TempDir(), "*"))
	if err == nil || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("error %v; want one that says what to install", err)
	}
}

func TestTheNewestVersionIsTaken(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	lib := t.TempDir()
	for _, version := range []string{"9.6", "10", "15", "8"} {
		folder := filepath.Join(lib, version, "bin")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "initdb"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := find(filepath.Join(lib, "*", "bin")); err != nil || got != filepath.Join(lib, "15", "bin") {
		t.Errorf("%s, %v", got, err)
	}
}
