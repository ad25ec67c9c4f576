package token

import (
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/roost-dev/roost/token/internal/etf"
)

// payload makes and reads what a token carries: the term {value, signed_at in ms, max_age in s}.
type payload[T any] struct {
	codec  *etf.Codec[T]
	maxAge time.Duration // as in Options
}

// newPayload panics if a token cannot carry a T.
func newPayload[T any](opts *Options) payload[T] {
	codec, err := etf.NewCodec[T]()
	if err != nil {
		panic(fmt.Sprintf("token: %v cannot be the value of a token: %v", reflect.TypeFor[T](), err))
	}
	return payload[T]{codec, opts.maxAge()}
}

// append appends the term that carries v from now on.
func (p *payload[T]) append(dst []byte, v T) ([]byte, error) {
	dst = etf.AppendTuple(etf.AppendVersion(dst), 3)
	dst, err := p.codec.Append(dst, v)
	if err != nil {
		return dst, fmt.Errorf("token: the value cannot be put into a token: %w", err)
	}
	dst = etf.AppendInt(dst, time.Now().UnixMilli())
	switch {
	case p.maxAge < 0:
		return etf.AppendAtom(dst, "infinity"), nil
	case p.maxAge == 0:
		return etf.AppendInt(dst, int64(defaultAge)/1000), nil
	case p.maxAge%time.Second == 0:
		return etf.AppendInt(dst, int64(p.maxAge/time.Second)), nil
	}
	return etf.AppendFloat(dst, p.maxAge.Seconds()), nil
}

// read returns the value in an authentic payload that is not too old.
func (p *payload[T]) read(b []byte) (T, error) {
	var zero T
	term, err := etf.Parse(b)
	if err != nil {
		return zero, fmt.Errorf("%w: the signed payload: %w", ErrInvalid, err)
	}
	data, signed, written, err := split(term)
	if err != nil {
		return zero, err
	}
	if err := p.age(written).check(signed, time.Now().UnixMilli()); err != nil {
		return zero, err
	}
	v, err := p.codec.Decode(data)
	if err != nil {
		return zero, fmt.Errorf("%w: not a token for %v: %w", ErrInvalid, reflect.TypeFor[T](), err)
	}
	return v, nil
}

// age returns the age that counts, given the one written in the token.
func (p *payload[T]) age(written age) age {
	switch {
	case p.maxAge < 0:
		return forever
	case p.maxAge > 0:
		return age(p.maxAge.Milliseconds())
	}
	return written
}

// split takes a payload apart: one of today, or one of the two older forms, which have no age.
func split(term etf.Term) (data etf.Term, signed int64, limit age, err error) {
	var buf [3]etf.Term
	var at etf.Term
	ok, limit := true, defaultAge
	parts, _ := term.Tuple(buf[:0])
	switch len(parts) {
	case 3:
		data, at = parts[0], parts[1]
		limit, ok = readAge(parts[2])
	case 2:
		data, at = parts[0], parts[1]
	default:
		var hasSigned bool
		data, ok = term.Lookup("data")
		at, hasSigned = term.Lookup("signed")
		ok = ok && hasSigned
	}
	if ok {
		signed, ok = at.Int()
	}
	if !ok {
		return nil, 0, 0, errPayload
	}
	return data, signed, limit, nil
}

// age is how long a token is valid, in milliseconds; negative if it never is.
type age int64

const (
	defaultAge age = 24 * 60 * 60 * 1000
	forever    age = math.MaxInt64
)

// readAge returns the age that t gives as a number of seconds or the atom infinity.
func readAge(t etf.Term) (age, bool) {
	if t.IsAtom("infinity") {
		return forever, true
	}
	seconds, ok := t.Float()
	if i, isInt := t.Int(); isInt {
		seconds, ok = float64(i), true
	}
	switch ms := seconds * 1000; {
	case ms <= 0:
		return -1, ok
	case ms >= math.MaxInt64:
		return forever - 1, ok
	default:
		return age(ms), ok
	}
}

// check tells whether a token of this age, signed at that time, is valid now. Times are in milliseconds since 1970. Phoenix
// checks in this order.
func (a age) check(signed, now int64) error {
	switch {
	case a == forever:
		return nil
	case a < 0:
		return fmt.Errorf("%w: it was made to be valid for no time at all", ErrExpired)
	case signed > now:
		return errFuture
	case signed < now-int64(a):
		return fmt.Errorf("%w: at %v", ErrExpired, time.UnixMilli(signed+int64(a)).UTC().Format(time.RFC3339))
	}
	return nil
}
