// Package deflate compresses WebSocket messages as permessage-deflate has it
// (RFC 7692), without taking over a context from one message to the next.
package deflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math"
	"strings"
	"sync"
)

// tail ends what a flate.Writer flushes; RFC 7692 §7.2.1 takes it away.
const tail = "\x00\x00\xff\xff"

// end puts the tail back and ends the stream, so that the reader finds io.EOF
// behind it.
const end = tail + "\x01\x00\x00\xff\xff"

// Errors of [Inflate].
var (
	ErrTooBig  = errors.New("deflate: the message is over the limit")
	ErrInvalid = errors.New("deflate: the message does not inflate")
)

// A compressor weighs about a megabyte, so they are shared.
var (
	deflaters = sync.Pool{New: func() any {
		w, _ := flate.NewWriter(nil, flate.BestSpeed) // fails only on an unknown level
		return w
	}}
	inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}
)

// Append appends the compressed payload of a message to dst.
func Append(dst, payload []byte) []byte {
	out := bytes.NewBuffer(dst)
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(out)
	_, _ = w.Write(payload) // a bytes.Buffer takes everything
	_ = w.Flush()
	return bytes.TrimSuffix(out.Bytes(), []byte(tail))
}

// Inflate appends to dst the message that a compressed payload holds, of at
// most limit bytes. The error is ErrTooBig or ErrInvalid.
func Inflate(dst *bytes.Buffer, payload []byte, limit int) error {
	r := inflaters.Get().(io.Reader)
	defer inflaters.Put(r)
	stream := io.MultiReader(bytes.NewReader(payload), strings.NewReader(end))
	err := r.(flate.Resetter).Reset(stream, nil)
	var n int64
	if err == nil {
		n, err = dst.ReadFrom(io.LimitReader(r, int64(min(limit, math.MaxInt-1))+1))
	}
	switch {
	case n > int64(limit):
		return ErrTooBig
	case err != nil:
		return ErrInvalid
	}
	return nil
}
