package replay

import (
	"fmt"
	"slices"
)

// A Difference is one place where Roost chooses to answer otherwise than the recorded server.
type Difference struct {
	Row  string // the title of its row in docs/differences.md
	File string // the transcript's name
	Edit func(*Transcript)
}

// With returns the transcript as the differences that concern it have it. The original is left as it is.
func (t Transcript) With(differences []Difference) Transcript {
	t.Steps = slices.Clone(t.Steps)
	for _, d := range differences {
		if d.File == t.Name {
			d.Edit(&t)
		}
	}
	return t
}

// Step returns the step that the file has at index. It may be changed; what its pointers point to may not.
func (t *Transcript) Step(index int) *Step {
	return &t.Steps[t.find(index)]
}

// Answer changes the body of the answer to the request that the file has at index, which then comes with HTTP status
// 200 and the headers of the answer to the request at model.
func (t *Transcript) Answer(index, model int, body string) {
	headers := t.Step(model).Response.Headers
	t.Step(index).Response = &Response{Status: 200, Headers: headers, Body: body}
}

// AtOnce says that a request is answered without delay. What follows it comes that much sooner.
func (t *Transcript) AtOnce(index int) {
	at := t.find(index)
	took := t.Steps[at].TookMS
	t.Steps[at].TookMS = 0
	for i := at; i < len(t.Steps); i++ {
		t.Steps[i].AtMS -= took
	}
}

// Replace puts other steps in the place of those from index from up to index to, exclusive; with both the same, before
// that step. They all happen at the time of the step at from, and belong to its connection unless they name
// another.
func (t *Transcript) Replace(from, to int, steps ...Step) {
	i := t.find(from)
	at := t.Steps[i]
	for j := range steps {
		steps[j].Index, steps[j].AtMS, steps[j].TookMS = at.Index, at.AtMS, 0
		if steps[j].Conn == "" {
			steps[j].Conn = at.Conn
		}
	}
	t.Steps = slices.Replace(t.Steps, i, i+to-from, steps...)
}

// Split returns a transcript for each of the groups of connections, so that those that cannot see each other are
// replayed side by side, and one for all other connections, if any. A step without a connection goes with the
// connection of the step before it.
func (t Transcript) Split(groups [][]string) []Transcript {
	parts := make([]Transcript, len(groups)+1)
	for i := range parts {
		parts[i].Name = t.Name
	}
	conn := ""
	for _, s := range t.Steps {
		if s.Conn != "" {
			conn = s.Conn
		}
		i := slices.IndexFunc(groups, func(g []string) bool { return slices.Contains(g, conn) })
		if i < 0 {
			i = len(groups)
		}
		parts[i].Steps = append(parts[i].Steps, s)
	}
	return slices.DeleteFunc(parts, func(p Transcript) bool { return len(p.Steps) == 0 })
}

// find returns where the step with an index is now. Steps put in before it have the same index.
func (t *Transcript) find(index int) int {
	for i, s := range slices.Backward(t.Steps) {
		if s.Index == index {
			return i
		}
	}
	panic(fmt.Sprintf("replay: %s has no step %d", t.Name, index))
}
