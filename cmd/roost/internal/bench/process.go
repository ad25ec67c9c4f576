//go:build linux

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// A process is the server's, looked at from outside. The zero process is unknown.
type process struct {
	pid int
}

func (p process) known() bool { return p.pid != 0 }

// cpu returns the time that the process has run on all its threads. On loopback that includes the work of the kernel
// for the receiving side.
func (p process) cpu() (time.Duration, error) {
	if !p.known() {
		return 0, nil
	}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.pid))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("there is no process %d to measure: %w", p.pid, errors.Join(err, fs.ErrNotExist))
	}
	var sum time.Duration
	for _, file := range files {
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a thread ended
		}
		if err != nil {
			return 0, err
		}
		first, _, _ := bytes.Cut(data, []byte(" "))
		ran, err := strconv.ParseInt(string(first), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		sum += time.Duration(ran)
	}
	return sum, nil
}

// memory is what a process has of the machine's, in bytes.
type memory struct {
	resident  float64 // all of it, as ps and top show it
	anonymous float64 // without the pages of files, such as the program's own
}

func (p process) memory() (memory, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.pid))
	if err != nil {
		return memory{}, fmt.Errorf("the memory of process %d: %w", p.pid, err)
	}
	var m memory
	for line := range bytes.Lines(data) {
		fields := bytes.Fields(line)
		if len(fields) != 3 || string(fields[2]) != "kB" {
			continue
		}
		kib, err := strconv.ParseFloat(string(fields[1]), 64)
		if err != nil {
			return memory{}, fmt.Errorf("/proc/%d/smaps_rollup: %w", p.pid, err)
		}
		switch string(fields[0]) {
		case "Rss:":
			m.resident = kib * 1024
		case "Anonymous:":
			m.anonymous = kib * 1024
		}
	}
	return m, nil
}
