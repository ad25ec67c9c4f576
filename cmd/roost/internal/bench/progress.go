//go:build linux

package bench

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	barWidth = 30
	barEvery = 100 * time.Millisecond
)

// progress shows on a terminal how far a run is. Anywhere else it shows nothing.
type progress struct {
	w     io.Writer // nil if it is no terminal
	label string    // what is being run, before what is being done
	doing string
	shown time.Time
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	if !ok {
		return &progress{}
	}
	if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err != nil {
		return &progress{}
	}
	return &progress{w: w}
}

// at shows that done of total is done of something.
func (p *progress) at(doing string, done, total float64) {
	if p.w == nil {
		return
	}
	now := time.Now()
	if doing == p.doing && now.Sub(p.shown) < barEvery {
		return
	}
	p.doing, p.shown = doing, now
	share := 0.0
	if total > 0 {
		share = min(1, done/total)
	}
	full := int(share * barWidth)
	fmt.Fprintf(p.w, "\r\x1b[K%s%s [%s%s] %3.0f %%", p.label, doing, strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), 100*share)
}

// clear removes the bar, so that something else can be written.
func (p *progress) clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.doing = ""
	}
}
