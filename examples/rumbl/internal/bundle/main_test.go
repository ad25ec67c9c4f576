package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheCommittedScriptsAndStylesAreWhatTheSourcesSay(t *testing.T) {
	files, err := build("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(entries) {
		t.Errorf("%d files of %d sources", len(files), len(entries))
	}
	for _, want := range files {
		t.Run(filepath.Base(want.Path), func(t *testing.T) {
			got, err := os.ReadFile(want.Path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want.Contents) {
				t.Error("out of date: run \"go generate ./web\" in examples/rumbl and commit it")
			}
		})
	}
}
