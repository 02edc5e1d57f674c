package federation

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"slices"
)

// packedLimit bounds what is unpacked, in bytes (own: four thousand domains of
// 60 bytes are a quarter of it).
const packedLimit = 1 << 20

// deflate packs what is remembered: names repeat their endings.
func deflate(plain []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil // not at this level
	}
	_, _ = w.Write(plain) // into memory
	_ = w.Close()
	return b.Bytes()
}

var errPacked = errors.New("more is packed than may be")

func inflate(packed []byte) ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(packed))
	defer func() { _ = r.Close() }()
	plain, err := io.ReadAll(io.LimitReader(r, packedLimit+1))
	if err == nil && len(plain) > packedLimit {
		err = errPacked
	}
	return plain, err
}

// beatsVersion is the first byte of what packBeats writes.
const beatsVersion = 1

// packBeats writes what is known of each domain, in the order of names: how many
// letters of the name before are kept, the rest of it, and numbers of one or two
// bytes each.
func packBeats(all map[string]beat) []byte {
	b := []byte{beatsVersion}
	b = binary.AppendUvarint(b, uint64(len(all)))
	before := ""
	for _, domain := range slices.Sorted(maps.Keys(all)) {
		one := all[domain]
		same := 0
		for same < min(len(before), len(domain)) && before[same] == domain[same] {
			same++
		}
		b = binary.AppendUvarint(b, uint64(same))
		b = binary.AppendUvarint(b, uint64(len(domain)-same))
		b = append(b, domain[same:]...)
		b = binary.AppendVarint(b, one.Last)
		b = binary.AppendVarint(b, one.Heard-one.Last)
		b = binary.AppendVarint(b, one.First-one.Last)
		b = binary.AppendUvarint(b, uint64(one.Times))
		for _, gap := range one.Gaps {
			b = binary.AppendUvarint(b, uint64(gap))
		}
		before = domain
	}
	return deflate(b)
}

var errBeats = errors.New("rhythm: not as it was written")

func unpackBeats(packed []byte) (map[string]beat, error) {
	plain, err := inflate(packed)
	if err != nil {
		return nil, err
	}
	r := bytes.NewReader(plain)
	if version, err := r.ReadByte(); err != nil || version != beatsVersion {
		return nil, errBeats
	}
	bad := false
	number := func() uint64 {
		n, err := binary.ReadUvarint(r)
		bad = bad || err != nil
		return n
	}
	signed := func() int64 {
		n, err := binary.ReadVarint(r)
		bad = bad || err != nil
		return n
	}
	count := number()
	if count > beatsKept {
		return nil, errBeats
	}
	all := make(map[string]beat, count)
	before := ""
	for range count {
		same, rest := number(), number()
		if bad || same > uint64(len(before)) || rest > 253 {
			return nil, errBeats
		}
		tail := make([]byte, rest)
		if _, err := io.ReadFull(r, tail); err != nil {
			return nil, errBeats
		}
		domain := before[:same] + string(tail)
		one := beat{Last: signed()}
		one.Heard, one.First = one.Last+signed(), one.Last+signed()
		one.Times = int(min(number(), timesKept))
		for i := range one.Gaps {
			one.Gaps[i] = int(min(number(), gapLimit))
		}
		if bad {
			return nil, errBeats
		}
		all[domain] = one
		before = domain
	}
	return all, nil
}
