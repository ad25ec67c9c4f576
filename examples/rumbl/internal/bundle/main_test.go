package main

import (
	"bytes"
	"os"
	"testing"
)

func TestTheCommittedScriptIsWhatTheSourcesSay(t *testing.T) {
	const root = "../.."
	want, err := build(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(target(root))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is out of date: run \"go generate ./web\" in examples/rumbl and commit it", target(root))
	}
}
