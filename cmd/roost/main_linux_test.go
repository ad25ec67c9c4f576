package main

import (
	"bytes"
	"encoding/json/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// programs builds the command and a server to measure.
func programs(t *testing.T) (roost, server string) {
	t.Helper()
	dir := t.TempDir()
	for name, source := range map[string]string{"roost": ".", "conformance": "../../internal/conformance"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), ".")
		cmd.Dir = source
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build in %s: %v\n%s", source, err, out)
		}
	}
	return filepath.Join(dir, "roost"), filepath.Join(dir, "conformance") + " -addr 127.0.0.1:0"
}

// roostBench runs roost bench and returns what it wrote.
func roostBench(t *testing.T, roost string, args ...string) (stdout []byte, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), roost, append([]string{"bench"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.Bytes(), errs.String(), err
}

// Short runs: what they measure says little, that they measure it and that each delivery is right says all.
func TestEachBenchmarkMeasuresAServer(t *testing.T) {
	roost, server := programs(t)
	brief := []string{"-warmup", "10ms", "-duration", "300ms"}
	clientFigures := []string{
		"connect_and_join_p50_ms", "seconds_until_all_know_all", "calls_per_second", "cpu_seconds_per_million", "p50_ms", "max_ms", "event_p50_ms", "event_max_ms",
	}
	for _, test := range []struct {
		name    string
		args    []string
		figures []string
		bare    bool
	}{
		{"idle", []string{"-connections", "100", "-settle", "10ms", "-admin", "/admin"}, []string{
			"connects_and_joins_per_second", "cpu_ms_per_connect_and_join", "settled_bytes_per_connection", "collected_bytes_per_connection",
			"collected_anonymous_bytes_per_connection", "goroutines",
		}, false},
		{"fanout", append(brief, "-subscribers", "50", "-window", "8"), []string{"deliveries_per_second", "cpu_seconds_per_million", "p50_ms", "p99_ms", "max_ms"}, false},
		{"fanout", append(brief, "-subscribers", "20", "-rate", "50", "-topic", "room:x"), []string{"deliveries_per_second", "p99_ms"}, false},
		{"fanout", append(brief, "-subscribers", "5", "-size", "100000"), []string{"deliveries_per_second"}, false},
		{"rr", append(brief, "-sockets", "10", "-outstanding", "4"), []string{"replies_per_second", "cpu_seconds_per_million", "p50_ms", "p99_ms", "max_ms"}, false},
		{"presence", []string{"-users", "40"}, []string{"seconds_until_all_know_all", "cpu_seconds", "messages", "megabytes"}, false},
		{"storm", []string{"-cycles", "200"}, []string{"cycles_per_second", "cpu_ms_per_cycle"}, false},
		{"client", append(brief, "-clients", "5"), clientFigures, false},
		{"client", append(brief, "-clients", "5", "-longpoll"), clientFigures, false},
		{"client", append(brief, "-clients", "2", "-compress", "-size", "2000", "-room", ""), []string{"calls_per_second", "event_p50_ms"}, false},
		{"limit", append(brief, "-subscribers", "20", "-rounds", "2"), []string{"deliveries_per_second", "cpu_seconds_per_million"}, true},
		{"floor", append(brief, "-subscribers", "20", "-window", "4", "-rounds", "1"), []string{"deliveries_per_second", "cpu_seconds_per_million"}, true},
		{"floor rr", append(brief, "-sockets", "5", "-rounds", "1"), []string{"replies_per_second", "cpu_seconds_per_million"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append(strings.Fields(test.name), "-json", "-exec", server)
			out, said, err := roostBench(t, roost, append(args, test.args...)...)
			if err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			var res struct {
				Figures       map[string]float64 `json:"figures"`
				BareLoop      map[string]float64 `json:"bare_loop"`
				TimesBareLoop map[string]float64 `json:"times_bare_loop"`
			}
			if err := json.Unmarshal(out, &res); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, name := range test.figures {
				if res.Figures[name] <= 0 || test.bare && (res.BareLoop[name] <= 0 || res.TimesBareLoop[name] <= 0) {
					t.Errorf("%s is not measured: %s", name, out)
				}
			}
			if said != "" {
				t.Errorf("without a terminal it said %q", said)
			}
		})
	}
}

func TestTheSetIsMeasured(t *testing.T) {
	roost, server := programs(t)
	out, said, err := roostBench(t, roost, "set", "-only", "push and reply", "-warmup", "10ms", "-duration", "300ms", "-admin", "/admin", "-rounds", "1", "-exec", server)
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if lines := bytes.Count(out, []byte("\n")); lines != 3 || !bytes.Contains(out, []byte("push and reply, 100 sockets: replies /s *")) {
		t.Errorf("%s", out)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	roost, server := programs(t)
	for want, args := range map[string][]string{
		"which server?":                      {"rr"},
		"no benchmark":                       {"nothing"},
		"not defined":                        {"rr", "-nothing"},
		"is not a flag":                      {"rr", "it"},
		"give one of them":                   {"rr", "-url", "ws://127.0.0.1:1/socket", "-exec", server},
		"refused the WebSocket":              {"rr", "-mount", "/nowhere", "-exec", server},
		"executable file":                    {"rr", "-exec", "no-such-program"},
		"listening on HOST:PORT":             {"rr", "-exec", "echo hello"},
		"the join of echo:join_error":        {"rr", "-topic", "echo:join_error", "-exec", server},
		"the channel broadcast":              {"fanout", "-event", "noreply", "-timeout", "100ms", "-subscribers", "2", "-exec", server},
		"at least 25 bytes":                  {"fanout", "-size", "3", "-exec", server},
		"-subscribers is at least 1":         {"fanout", "-subscribers", "0", "-exec", server},
		"-window is from 1 to 1024":          {"fanout", "-window", "0", "-exec", server},
		"-users is at least 1":               {"presence", "-users", "0", "-exec", server},
		"-clients and -rate are more":        {"client", "-clients", "0", "-exec", server},
		"0 of 2 users after":                 {"client", "-clients", "2", "-room", "echo:x", "-timeout", "200ms", "-exec", server},
		"-cycles is at least 1":              {"storm", "-cycles", "0", "-exec", server},
		"-connections is at least 1":         {"idle", "-connections", "0", "-exec", server},
		"0 of 3 users know all":              {"presence", "-topic", "echo:x", "-users", "3", "-timeout", "100ms", "-exec", server},
		"it needs -exec, or -url and -pid":   {"set", "-exec", server},
		"it needs -exec and -admin":          {"cluster", "-exec", server},
		"not a number of nodes":              {"cluster", "-nodes", "1,x"},
		"-wanted is at least 1":              {"cluster", "-exec", server, "-admin", "/admin", "-wanted", "0"},
		"-admin is for servers":              {"idle", "-admin", "/nowhere", "-exec", server},
		"there is no process 999999999":      {"rr", "-pid", "999999999", "-url", "ws://127.0.0.1:1/socket", "-sockets", "1"},
		"connect to 127.0.0.1:1: connection": {"rr", "-url", "ws://127.0.0.1:1/socket"},
	} {
		out, said, err := roostBench(t, roost, args...)
		if err == nil || !strings.Contains(said, want) || len(out) > 0 {
			t.Errorf("%q: %v, %q on stderr, %q on stdout; want %q", args, err, said, out, want)
		}
	}
}

func TestHelpListsEverything(t *testing.T) {
	roost, _ := programs(t)
	_, said, err := roostBench(t, roost, "help")
	if err != nil {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"idle", "fanout", "rr", "presence", "storm", "client", "limit", "floor", "cluster", "set", "bare"} {
		if !strings.Contains(said, "\n    "+name+" ") {
			t.Errorf("%s is not in %s", name, said)
		}
		if _, help, err := roostBench(t, roost, name, "-h"); err != nil || !strings.Contains(help, "roost bench "+name+": ") {
			t.Errorf("%s -h: %v, %s", name, err, help)
		}
	}
}
