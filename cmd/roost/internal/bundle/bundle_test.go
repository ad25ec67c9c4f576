package bundle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sources makes a folder with the script app.ts, and one beside it that its
// tsconfig.json names.
func sources(t *testing.T, app string) (entry, target string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"web/app.ts":        app,
		"web/tsconfig.json": `{"compilerOptions": {"target": "ES2022", "paths": {"greeting": ["../lib/greeting.ts"]}}}`,
		"lib/greeting.ts":   `export const greet = (name: string): string => "hello " + name`,
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "web/app.ts"), filepath.Join(dir, "web/app.js")
}

const app = `import { greet } from "greeting"; document.title = greet("you")`

func TestAScriptBringsWhatItImports(t *testing.T) {
	entry, target := sources(t, app)
	if err := Write(entry, target); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	for _, unwanted := range []string{"import", ": string"} {
		if strings.Contains(string(script), unwanted) {
			t.Errorf("the script has %q in it: %s", unwanted, script)
		}
	}
	if !strings.Contains(string(script), "hello ") {
		t.Errorf("the script lacks what it imports: %s", script)
	}
	if err := Verify(entry, target); err != nil {
		t.Errorf("just made: %v", err)
	}
}

func TestAScriptThatIsOutOfDateIsFound(t *testing.T) {
	entry, target := sources(t, app)
	if err := Verify(entry, target); err == nil {
		t.Error("a script that is not there is up to date")
	}
	if err := Write(entry, target); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(entry, []byte(strings.Replace(app, "you", "all", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Verify(entry, target); err == nil || !strings.Contains(err.Error(), target+" is out of date") {
		t.Errorf("the source has changed: %v", err)
	}
}

func TestAMistakeIsNamedByItsPlace(t *testing.T) {
	entry, target := sources(t, "import { greet } from 'greetings'; greet()")
	if err := Write(entry, target); err == nil || !strings.Contains(err.Error(), "app.ts:1:22") || !strings.Contains(err.Error(), "greetings") {
		t.Errorf("an import that is not there: %v", err)
	}
	if _, err := os.Lstat(target); err == nil {
		t.Error("a script was written all the same")
	}
}
