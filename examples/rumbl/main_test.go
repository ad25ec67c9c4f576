package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/internal/pgserver"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store"
)

// start runs the program until the test ends or stop is called, and returns
// its address. stop returns what run does.
func start(t *testing.T, c config) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan string, 1)
	done := make(chan error, 1)
	go func() { done <- run(ctx, c, func(url string) { ready <- url }) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	select {
	case url := <-ready:
		t.Cleanup(func() { stop() })
		return url, stop
	case err := <-done:
		t.Fatalf("it stopped before it was ready: %v", err)
		return "", nil
	}
}

func testConfig(t *testing.T) config {
	t.Helper()
	return config{addr: "localhost:0", db: filepath.Join(t.TempDir(), "rumbl.db")}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(content)
}

func TestAFirstStartOpensOnASiteWithSomethingInIt(t *testing.T) {
	url, stop := start(t, testConfig(t))
	if !strings.HasPrefix(url, "http://localhost:") {
		t.Errorf("the address is %s", url)
	}
	for path, want := range map[string]string{
		"/":                   "Zoë",
		"/?category=nature":   "Daybreak",
		"/?by=mia&q=balloon":  "A balloon over the valley",
		"/static/sample.webm": "",
		"/watch/1":            "Log in",
	} {
		if status, body := get(t, url+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: status %d, want 200 and %q", path, status, want)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestASecondStartFindsTheSameSecretAndTheSameVideos(t *testing.T) {
	c := testConfig(t)
	_, stop := start(t, c)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(c.db + "-secret")
	if err != nil {
		t.Fatal(err)
	}
	url, stop := start(t, c)
	_, page := get(t, url)
	if n := strings.Count(page, `class="card-title">`); n != len(sampleVideos) {
		t.Errorf("%d videos, want %d", n, len(sampleVideos))
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if second, err := os.ReadFile(c.db + "-secret"); err != nil || string(second) != string(first) {
		t.Errorf("the secret has changed (%v)", err)
	}
}

func TestNodesThatStartTogetherShareOneDatabase(t *testing.T) {
	c := config{addr: "localhost:0", db: pgserver.NewDatabase(t), secretFile: filepath.Join(t.TempDir(), "secret")}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const nodes = 3
	ready, ended := make(chan string, nodes), make(chan error, nodes)
	for range nodes {
		go func() { ended <- run(ctx, c, func(url string) { ready <- url }) }()
	}
	for range nodes {
		select {
		case url := <-ready: // from here on all must be there
			_, page := get(t, url)
			if cards := strings.Count(page, `class="card-title">`); cards != len(sampleVideos) || !strings.Contains(page, "6 annotations") {
				t.Errorf("%d videos, want each of %d once and with all of its annotations:\n%s", cards, len(sampleVideos), page)
			}
		case err := <-ended:
			t.Fatalf("a node stopped before it was ready: %v", err)
		}
	}
	cancel()
	for range nodes {
		if err := <-ended; err != nil {
			t.Errorf("stopped with %v", err)
		}
	}
}

func TestEverySampleVideoHasAPicture(t *testing.T) {
	url, _ := start(t, testConfig(t))
	_, page := get(t, url)
	if n := strings.Count(page, `src="/static/sample`); n != len(sampleVideos) {
		t.Errorf("%d of %d have one", n, len(sampleVideos))
	}
}

func TestNobodyCanLogInAsThePeopleOfTheSample(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "rumbl.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	people := accounts.New(db)
	if err := seed(t.Context(), people, multimedia.New(db)); err != nil {
		t.Fatal(err)
	}
	for username := range samplePeople {
		for _, password := range []string{"", username, "password"} {
			if _, err := people.Authenticate(t.Context(), username, password, ""); !errors.Is(err, accounts.ErrCredentials) {
				t.Errorf("%s with %q: %v, want ErrCredentials", username, password, err)
			}
		}
	}
}

func TestTheSecretIsItsOwnersAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	secret, err := loadSecret(file)
	if err != nil || len(secret) < minSecret {
		t.Fatalf("a secret of %d bytes, %v", len(secret), err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode().Perm())
	}
}

func TestNodesThatStartTogetherMakeOneSecret(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "secret")
	secrets := make([]string, 8)
	var wg sync.WaitGroup
	for i := range secrets {
		wg.Go(func() {
			var err error
			if secrets[i], err = loadSecret(file); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if different := slices.Compact(secrets); len(different) != 1 {
		t.Errorf("%d different secrets", len(different))
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) != 1 {
		t.Errorf("left in the folder: %v, %v; want the secret alone", files, err)
	}
}

func TestADatabasesPasswordIsNoFilesName(t *testing.T) {
	if file := defaultSecretFile("postgres://ada:horse@localhost/rumbl"); file != "rumbl-secret" {
		t.Errorf("the secret is kept in %s", file)
	}
}

func TestAShortSecretIsRefusedWithAdvice(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("  short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := loadSecret(file)
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "5 bytes") {
		t.Errorf("error %v; want one that names the file and what is wrong", err)
	}
}

func TestAnAddressInUseIsAnError(t *testing.T) {
	url, _ := start(t, testConfig(t))
	c := testConfig(t)
	c.addr = strings.TrimPrefix(url, "http://")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := run(ctx, c, func(string) { t.Error("ready all the same") })
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v", err)
	}
}
