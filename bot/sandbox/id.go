package sandbox

import (
	"strconv"
	"strings"
	"time"
)

// idSource gives ids that always increase. Mastodon's are decimal: those of
// statuses, accounts and media hold the time in milliseconds above 16 bits,
// those of notifications count from one. GoToSocial's are all ULIDs.
type idSource struct {
	ulids  bool
	last   int64 // the last one with a time in it
	serial int64 // the last one that counts
}

func (i *idSource) next(now time.Time) string {
	if i.ulids {
		return i.ulid(now)
	}
	i.last = max(i.last+1, now.UnixMilli()<<16)
	return strconv.FormatInt(i.last, 10)
}

func (i *idSource) nextNotification(now time.Time) string {
	if i.ulids {
		return i.ulid(now)
	}
	i.serial++
	return strconv.FormatInt(i.serial, 10)
}

// ulid writes 48 bits of time, 40 of a counter and 40 that look random. The
// counter keeps ids of one millisecond in order.
func (i *idSource) ulid(now time.Time) string {
	i.serial++
	i.last = max(i.last, now.UnixMilli())
	noise := uint64(i.serial) * 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio
	return base32(uint64(i.last), 10) + base32(uint64(i.serial), 8) + base32(noise>>24, 8)
}

// base32 writes the low bits of v in Crockford's alphabet.
func base32(v uint64, digits int) string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	b := make([]byte, digits)
	for n := digits - 1; n >= 0; n-- {
		b[n] = alphabet[v&31]
		v >>= 5
	}
	return string(b)
}

// compareIDs orders decimal ids by number and ULIDs by their letters.
func compareIDs(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
