// Package pgserver starts PostgreSQL servers that live no longer than the
// program that started them: for tests, and to try Rumbl's cluster out. It needs
// PostgreSQL's programs and nothing else: no server, no configuration, no port.
package pgserver

import (
	"bufio"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed serve.sh
var script string

// debian is where Debian has PostgreSQL's programs, for each version.
const debian = "/usr/lib/postgresql/*/bin"

// Server is a running PostgreSQL server. It listens on a Unix socket that only
// the user it runs as, and root, can reach; from network namespaces too. It does
// not care to survive a crash of the machine. It is safe for concurrent use.
type Server struct {
	folder    string
	stop      func() error
	databases atomic.Int64
}

// Start starts a server, which takes a second or two. It runs as the caller's
// user, or as the user postgres if that is root, which PostgreSQL refuses. The
// server ends with Close, or with the program.
func Start() (*Server, error) {
	programs, err := find(debian)
	if err != nil {
		return nil, err
	}
	attributes, err := owner()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/bin/sh", "-c", script, "serve.sh", programs)
	cmd.Dir = "/" // the other user may not be allowed where we are
	cmd.SysProcAttr = attributes
	var problems strings.Builder
	cmd.Stderr = &problems
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("pgserver: start: %w", err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("pgserver: PostgreSQL in %s does not start: %w\n%s", programs, errors.Join(stdin.Close(), cmd.Wait()), &problems)
	}
	return &Server{folder: strings.TrimSpace(line), stop: sync.OnceValue(func() error { return end(stdin, cmd) })}, nil
}

// Close ends the server, whoever is connected, removes its data, and waits until
// that is done.
func (s *Server) Close() error { return s.stop() }

func end(stdin io.Closer, cmd *exec.Cmd) error {
	return errors.Join(stdin.Close(), cmd.Wait())
}

// CreateDatabase makes an empty database and returns its URL, which any pgx
// takes and which holds no secret.
func (s *Server) CreateDatabase(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return "", fmt.Errorf("pgserver: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	name := "rumbl_" + strconv.FormatInt(s.databases.Add(1), 10)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("pgserver: create a database: %w", err)
	}
	return s.url(name), nil
}

func (s *Server) url(database string) string {
	parameters := url.Values{"host": {s.folder}, "port": {"5432"}}
	u := url.URL{Scheme: "postgres", User: url.User("rumbl"), Path: "/" + database, RawQuery: parameters.Encode()}
	return u.String()
}

// shared is the server of this program's tests. It ends with the program.
var shared = sync.OnceValues(Start)

// NewDatabase returns the URL of an empty database for a test, on a server that
// all tests of a program share. It fails the test if there can be none.
func NewDatabase(t testing.TB) string {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	database, err := server.CreateDatabase(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return database
}

// find returns the folder of PostgreSQL's programs: that of initdb in PATH, or
// the newest one that fits pattern.
func find(pattern string) (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(initdb), nil
	}
	found, err := filepath.Glob(filepath.Join(pattern, "initdb"))
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", errors.New("pgserver: PostgreSQL is not installed: initdb is neither in PATH nor in " + pattern +
			"; on Debian, as root: apt-get install postgresql")
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
	return filepath.Dir(newest), nil
}

// version is the number in /usr/lib/postgresql/15/bin/initdb.
func version(initdb string) float64 {
	n, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(initdb))), 64)
	return n
}
