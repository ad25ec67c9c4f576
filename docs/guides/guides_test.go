// Package guides holds the guides to their word: each block of code in one is an extract of a file that is compiled and tested.
// Those of TypeScript are compiled by `make node`.
package guides

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// files are the names of the files that blocks of a language may be extracts of, in the folder that is named as the guide.
// Blocks of other languages are shell, other people's code, or what something looks like.
var files = map[string]string{
	"go":        "*.go",
	"ts":        "*.ts",
	"js":        "*.js",
	"nginx":     "nginx.conf",
	"caddyfile": "Caddyfile",
	"yaml":      "*.yaml",
	"ini":       "*.service",
}

var (
	fenced = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")
	elided = regexp.MustCompile(`(?m)^\s*(//|#) \.\.\.$`)
	space  = regexp.MustCompile(`\s+`)
	code   = regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]+`")
	link   = regexp.MustCompile(`\]\(([^)#:]+)[^):]*\)`)
)

func TestCodeInGuidesIsExtractedFromFiles(t *testing.T) {
	for _, guide := range guides(t) {
		t.Run(guide, func(t *testing.T) {
			text := read(t, guide)
			folder := strings.ReplaceAll(strings.TrimSuffix(guide, ".md"), "-", "")
			for _, block := range fenced.FindAllStringSubmatch(text, -1) {
				names, ok := files[block[1]]
				if !ok {
					continue
				}
				found := sources(t, folder, names)
				for _, extract := range elided.Split(block[2], -1) {
					if !strings.Contains(found, squeeze(extract)) {
						t.Errorf("no %s/%s has this:\n%s", folder, names, extract)
					}
				}
			}
		})
	}
}

func TestLinksOfGuidesLeadSomewhere(t *testing.T) {
	for _, guide := range guides(t) {
		for _, target := range link.FindAllStringSubmatch(code.ReplaceAllString(read(t, guide), ""), -1) {
			if _, err := os.Stat(target[1]); err != nil {
				t.Errorf("%s links to %s, which is not there", guide, target[1])
			}
		}
	}
}

func guides(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("*.md")
	if err != nil || len(found) == 0 {
		t.Fatalf("no guides were found: %v", err)
	}
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sources is all files of these names in a folder or below, without white space.
func sources(t *testing.T, folder, names string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ok, err := filepath.Match(names, filepath.Base(name)); !ok {
			return err
		}
		all.WriteString(squeeze(read(t, name)) + "\n") // no extract reaches into another file
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func squeeze(text string) string { return space.ReplaceAllString(text, "") }
