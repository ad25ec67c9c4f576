package contracts

import (
	"cmp"
	"encoding/json/v2"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/roost-dev/roost/contract"
)

// checkAgainst fails if clients that know the contract in a file would break.
func checkAgainst(file string, now *contract.Contract) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w: save the contract with -o first", err)
	}
	saved, err := decode(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if found := breaks(saved, now); len(found) > 0 {
		return fmt.Errorf("clients that know %s would break:\n\t%s\nIf that is meant, save the contract anew with -o",
			file, strings.Join(found, "\n\t"))
	}
	return nil
}

// breaks lists what clients that know the contract before would trip over.
func breaks(before, now *contract.Contract) []string {
	d := &comparison{before: before, now: now}
	for _, was := range before.Channels {
		i := slices.IndexFunc(now.Channels, func(c contract.Channel) bool { return sameTopics(c.Topic, was.Topic) })
		if i < 0 {
			d.reportf(was.Topic, "was removed")
			continue
		}
		d.channel(was, now.Channels[i])
	}
	return d.found
}

// sameTopics reports whether patterns differ in the names of parameters only.
func sameTopics(a, b string) bool {
	anonymous := func(topic string) string {
		parts := strings.Split(topic, ":")
		for i, part := range parts {
			switch {
			case strings.HasSuffix(part, "...}"):
				parts[i] = "{...}"
			case strings.HasPrefix(part, "{"):
				parts[i] = "{}"
			}
		}
		return strings.Join(parts, ":")
	}
	return anonymous(a) == anonymous(b)
}

// comparison collects what breaks.
type comparison struct {
	before, now *contract.Contract
	found       []string

	// A sender's type must be one that the receiver knows. Of what clients
	// send, the sender is the contract before and the receiver that of now; of
	// what they get it is the other way around.
	clientsGet bool
	seen       map[[2]string]bool // pairs of types that a payload has, see again
}

func (d *comparison) reportf(where, format string, args ...any) {
	d.found = append(d.found, where+" "+fmt.Sprintf(format, args...))
}

func (d *comparison) channel(was, is contract.Channel) {
	d.sent(was.Topic+": params of the join", was.Params, is.Params)
	d.got(was.Topic+": reply to the join", was.Joined, is.Joined)
	for _, in := range was.In {
		where := was.Topic + ": " + in.Event
		i := slices.IndexFunc(is.In, func(other contract.In) bool { return other.Event == in.Event })
		if i < 0 {
			d.reportf(where, "was removed")
			continue
		}
		d.sent(where, in.Payload, is.In[i].Payload)
		switch reply := is.In[i].Reply; {
		case in.Reply == nil: // nobody waits for one
		case reply == nil:
			d.reportf(where, "is not replied to any more")
		default:
			d.got(was.Topic+": reply to "+in.Event, *in.Reply, *reply)
		}
	}
	for _, out := range was.Out {
		where := was.Topic + ": " + out.Event
		i := slices.IndexFunc(is.Out, func(other contract.Out) bool { return other.Event == out.Event })
		if i < 0 {
			d.reportf(where, "was removed")
			continue
		}
		d.got(where, out.Payload, is.Out[i].Payload)
	}
	d.metas(was.Topic+": presence meta", was.Metas, is.Metas)
}

// metas are of any of several types.
func (d *comparison) metas(where string, was, is []contract.Type) {
	if len(was) > 0 && len(is) == 0 {
		d.reportf(where, "was removed")
	}
	for _, meta := range is {
		var closest []string
		for i, known := range was {
			attempt := &comparison{before: d.before, now: d.now}
			attempt.got(where, known, meta)
			if i == 0 || len(attempt.found) < len(closest) {
				closest = attempt.found
			}
		}
		d.found = append(d.found, closest...)
	}
}

// sent compares what clients send.
func (d *comparison) sent(where string, was, is contract.Type) {
	d.clientsGet, d.seen = false, map[[2]string]bool{}
	d.fits(where, was, is)
}

// got compares what clients get.
func (d *comparison) got(where string, was, is contract.Type) {
	d.clientsGet, d.seen = true, map[[2]string]bool{}
	d.fits(where, is, was)
}

// fits reports what a sender may send that the receiver does not know.
func (d *comparison) fits(where string, sender, receiver contract.Type) {
	s, r := d.resolve(sender, !d.clientsGet), d.resolve(receiver, d.clientsGet)
	if r.Kind == contract.Any {
		return
	}
	if s.Null && !r.Null {
		d.reportf(where, "%s", d.either("may be null now", "must not be null any more"))
	}
	switch {
	case s.Kind == contract.Integer && r.Kind == contract.Number:
	case s.Kind != r.Kind || !formatFits(s, r):
		was, is := s, r
		if d.clientsGet {
			was, is = r, s
		}
		d.reportf(where, "was %s, and is %s now", describe(was), describe(is))
	case d.again(sender, receiver):
	case s.Kind == contract.Object:
		d.fields(where, s, r)
	case s.Elem != nil && r.Elem != nil:
		each := ".*"
		if s.Kind == contract.List {
			each = "[]"
		}
		d.fits(where+each, *s.Elem, *r.Elem)
	}
}

// again reports whether two types, of which one has a name, were met before in
// the same payload. What they differ in is told once, since types may refer to
// themselves, and to each other in more ways than anybody can follow.
func (d *comparison) again(sender, receiver contract.Type) bool {
	if sender.Ref == "" && receiver.Ref == "" {
		return false
	}
	pair := [2]string{identity(sender), identity(receiver)}
	met := d.seen[pair]
	d.seen[pair] = true
	return met
}

// identity is a type's name, or all of a type that has none.
func identity(t contract.Type) string {
	if t.Ref != "" {
		return t.Ref
	}
	all, _ := json.Marshal(t) // it is but strings and numbers
	return string(all)
}

func (d *comparison) fields(where string, sender, receiver contract.Type) {
	for _, wanted := range receiver.Fields {
		at := where + "." + wanted.Name
		i := slices.IndexFunc(sender.Fields, func(f contract.Field) bool { return f.Name == wanted.Name })
		switch {
		case i < 0 && d.clientsGet:
			d.reportf(at, "was removed")
		case i < 0 && wanted.Optional:
		case i < 0:
			d.reportf(at, "is required now, and was not there")
		default:
			if sender.Fields[i].Optional && !wanted.Optional {
				d.reportf(at, "%s", d.either("is optional now", "is required now"))
			}
			d.fits(at, sender.Fields[i].Type, wanted.Type)
		}
	}
	if receiver.Elem != nil && sender.Elem != nil {
		d.fits(where+".*", *sender.Elem, *receiver.Elem)
	}
}

// either picks the words for what clients get, or send.
func (d *comparison) either(get, send string) string {
	if d.clientsGet {
		return get
	}
	return send
}

// resolve returns what a type stands for in the contract before, or now.
func (d *comparison) resolve(t contract.Type, before bool) contract.Type {
	c := d.now
	if before {
		c = d.before
	}
	null := t.Null
	for t.Kind == contract.Named {
		t = c.Types[t.Ref]
		null = null || t.Null
	}
	t.Null = null
	return t
}

// bits are those of the formats of numbers, by what they hold besides a sign.
var bits = map[string]int{
	"int8": 7, "int16": 15, "int32": 31, "int64": 63, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64,
	"float32": 32, "float64": 64,
}

// formatFits reports whether the values of a string, number or list are among
// those of another.
func formatFits(sender, receiver contract.Type) bool {
	switch {
	case receiver.Len != nil && (sender.Len == nil || *sender.Len != *receiver.Len):
		return false
	case sender.Kind == contract.String:
		return receiver.Format == "" || receiver.Format == sender.Format || receiver.Format == "number" && sender.Format == "integer"
	case sender.Kind != contract.Integer && sender.Kind != contract.Number:
		return true
	}
	negative := strings.HasPrefix(sender.Format, "int") && strings.HasPrefix(receiver.Format, "uint")
	return !negative && bits[sender.Format] <= bits[receiver.Format]
}

// describe names a type in words of JSON.
func describe(t contract.Type) string {
	text := string(cmp.Or(t.Kind, "nothing"))
	if t.Format != "" {
		text += " (" + t.Format + ")"
	}
	if t.Len != nil {
		text += fmt.Sprintf(" of length %d", *t.Len)
	}
	return text
}
