package token

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"sync"
)

// The base64 of the names HS256, HS384 and HS512. Tokens are made with the first; Phoenix verifies all three.
const (
	hs256 = "SFMyNTY"
	hs384 = "SFMzODQ"
	hs512 = "SFM1MTI"
)

// keyring holds the keys that sign, the current one first. It is a pointer in its Signer, so that printing that shows no key.
type keyring struct {
	keys  [][]byte
	desks sync.Pool
}

func newKeyring(keys [][]byte) *keyring {
	k := &keyring{keys: keys}
	k.desks.New = func() any { return newDesk(k.keys) }
	return k
}

// desk returns a desk to work at, which is to be put back.
func (k *keyring) desk() *desk { return k.desks.Get().(*desk) }

// open returns the payload of the token on the desk if one of the keys signed it.
func (k *keyring) open(d *desk) ([]byte, error) {
	header, rest, _ := bytes.Cut(d.token, dot)
	body, mac64, ok := bytes.Cut(rest, dot)
	if !ok {
		return nil, errShape
	}
	mac, err := decode64(d.given[:0], mac64)
	if err != nil {
		return nil, errShape
	}
	signed := d.token[:len(header)+1+len(body)]
	authentic := false
	for i, key := range k.keys {
		var want []byte
		switch string(header) {
		case hs256:
			want = d.sum(i, signed)
		case hs384:
			want = sum(hmac.New(sha512.New384, key), signed)
		case hs512:
			want = sum(hmac.New(sha512.New, key), signed)
		default:
			return nil, errShape
		}
		if authentic = hmac.Equal(mac, want); authentic {
			break
		}
	}
	if !authentic {
		return nil, errSignature
	}
	if d.term, err = decode64(d.term[:0], body); err != nil {
		return nil, errShape
	}
	return d.term, nil
}

// put gives a desk back unless a huge token made it one not worth keeping.
func (k *keyring) put(d *desk) {
	if cap(d.token)+cap(d.term) <= 64<<10 {
		k.desks.Put(d)
	}
}

// desk is what making or verifying one token needs, kept for the next: a MAC that has its key in place costs half, and the
// buffers nothing.
type desk struct {
	macs         []hash.Hash // HMAC-SHA256, one for each key
	token, term  []byte
	given, wants [sha512.Size]byte
}

func newDesk(keys [][]byte) *desk {
	d := &desk{macs: make([]hash.Hash, len(keys))}
	for i, key := range keys {
		d.macs[i] = hmac.New(sha256.New, key)
	}
	return d
}

// sum returns the MAC of message under the i-th key; it is good until the next call.
func (d *desk) sum(i int, message []byte) []byte {
	d.macs[i].Reset()
	d.macs[i].Write(message)
	return d.macs[i].Sum(d.wants[:0])
}

func sum(mac hash.Hash, message []byte) []byte {
	mac.Write(message)
	return mac.Sum(nil)
}

var dot = []byte{'.'}

// decode64 appends what src is the base64url of, padded or not. Unlike encoding/base64 it takes no line breaks.
func decode64(dst, src []byte) ([]byte, error) {
	encoding := base64.RawURLEncoding
	if bytes.HasSuffix(src, []byte{'='}) {
		encoding = base64.URLEncoding
	}
	if i := bytes.IndexAny(src, "\r\n"); i >= 0 {
		return dst, base64.CorruptInputError(i)
	}
	return encoding.AppendDecode(dst, src)
}
