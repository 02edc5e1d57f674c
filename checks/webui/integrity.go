package webui

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"strings"
)

// Digests are what an integrity attribute promises, of its strongest kind: the
// one that a browser compares (W3C Subresource Integrity).
type digests struct {
	make func() hash.Hash
	sums [][]byte
}

// kinds are the digests that browsers know, the strongest first.
var kinds = []struct {
	prefix string
	make   func() hash.Hash
}{
	{"sha512-", sha512.New},
	{"sha384-", sha512.New384},
	{"sha256-", sha256.New},
}

// promised reads an integrity attribute; false where it promises nothing that
// a browser would compare.
func promised(attribute string) (digests, bool) {
	for _, k := range kinds {
		d := digests{make: k.make}
		for word := range strings.FieldsSeq(attribute) {
			text, ok := strings.CutPrefix(word, k.prefix)
			if !ok {
				continue
			}
			sum, err := base64.StdEncoding.DecodeString(before(text, "?"))
			if err != nil {
				sum, err = base64.URLEncoding.DecodeString(before(text, "?"))
			}
			// A digest that is none is still one that no file has.
			if err != nil {
				sum = nil
			}
			d.sums = append(d.sums, sum)
		}
		if len(d.sums) > 0 {
			return d, true
		}
	}
	return digests{}, false
}

// keeps tells whether a digest is one of those promised.
func (d digests) keeps(sum []byte) bool {
	for _, s := range d.sums {
		if bytes.Equal(s, sum) {
			return true
		}
	}
	return false
}
