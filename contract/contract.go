// Package contract describes what an application and its clients say to each
// other: every event, every join and every presence meta, with the types of
// their payloads as JSON has them. [Server.Contract] makes a description of the
// events that are registered; the command roost contract writes it as
// TypeScript and AsyncAPI, and finds what a change of it breaks.
//
// A Go type has one form here, whether clients send it or get it: that of what
// [encoding/json/v2] encodes. A field that may be left out is optional (its tag
// says omitzero, or omitempty where that applies), and a pointer that is not
// left out may be null. The server takes more than that from a client: a field
// that is missing, or null, decodes to its zero value, and one that is unknown
// is ignored. Validate is there for refusing them.
//
// [Server.Contract]: https://pkg.go.dev/github.com/roost-dev/roost#Server.Contract
package contract

import "reflect"

// A Contract is what goes over the sockets of one server. It encodes to JSON
// and back.
type Contract struct {
	// Channels are the handlers, by their patterns in alphabetical order.
	Channels []Channel `json:"channels"`

	// Types are the named types that the channels refer to, by [Type].Ref.
	Types map[string]Type `json:"types"`

	goTypes map[string]reflect.Type // those of Types, and those that are being looked at
}

// A Channel is the conversations on the topics of one pattern.
type Channel struct {
	Topic  string `json:"topic"`  // the pattern: "videos:{id}"
	Params Type   `json:"params"` // what clients join with
	Joined Type   `json:"joined"` // the reply to a join that is accepted
	In     []In   `json:"in"`     // by name
	Out    []Out  `json:"out"`    // by name

	// Metas are the types of presence metas that clients are told of; none
	// if the channel has no presence.
	Metas []Type `json:"metas,omitempty"`
}

// An In is an event that clients push.
type In struct {
	Event   string `json:"event"`
	Doc     string `json:"doc,omitzero"` // the comment in the source, if that was read
	Payload Type   `json:"payload"`

	// Reply is nil for an event that is not replied to unless it fails.
	Reply *Type `json:"reply,omitzero"`
}

// An Out is an event that the server pushes or broadcasts.
type Out struct {
	Event   string `json:"event"`
	Doc     string `json:"doc,omitzero"` // the comment in the source, if that was read
	Payload Type   `json:"payload"`
}

// A Type is the form that values of a Go type have as JSON.
type Type struct {
	Kind Kind   `json:"kind"`
	Doc  string `json:"doc,omitzero"` // the comment in the source, of a named type

	// Ref is the name of a type of Kind Named in [Contract].Types: its import
	// path and Go name, "example.com/shop/live.Order".
	Ref string `json:"ref,omitzero"`

	// Null says that the value may be null instead.
	Null bool `json:"null,omitzero"`

	// Format tells of a String, Integer or Number what else is known of it:
	// "date-time", "base64", the Go type of a number ("int32"), and
	// "integer" or "number" if a string is one.
	Format string `json:"format,omitzero"`

	// Fields are those of an Object, in the order in which they are encoded.
	Fields []Field `json:"fields,omitempty"`

	// Elem is the type of a List's elements, a Map's values, and those fields
	// of an Object that it has besides Fields. Nil for objects without any.
	Elem *Type `json:"elem,omitzero"`

	// Len is the number of elements of a List, and of bytes in base64, that is
	// always the same. Nil: any.
	Len *int `json:"len,omitzero"`
}

// Kind is the kind of a [Type].
type Kind string

// The kinds of types.
const (
	Named   Kind = "named" // see Contract.Types
	Object  Kind = "object"
	Map     Kind = "map" // an object with any names
	List    Kind = "list"
	String  Kind = "string"
	Integer Kind = "integer"
	Number  Kind = "number"
	Boolean Kind = "boolean"
	Any     Kind = "any"   // any JSON: an interface, or a type with JSON of its own
	Bytes   Kind = "bytes" // a payload that is binary
)

// A Field is a field of an object.
type Field struct {
	Name     string `json:"name"`
	Doc      string `json:"doc,omitzero"` // the comment in the source, if that was read
	Type     Type   `json:"type"`
	Optional bool   `json:"optional,omitzero"` // may be left out

	// Source is where the field is declared: "example.com/shop/live.Order.Total",
	// and "Total" in a struct without a name.
	Source string `json:"source"`
}
