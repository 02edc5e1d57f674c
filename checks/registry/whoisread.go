package registry

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"

	"github.com/sababan/sababan/checks"
)

// decode makes text of bytes that nobody has said the encoding of: UTF-8,
// ISO-2022-JP by its escapes, EUC-JP or Shift_JIS where that makes words of
// JPRS's labels, else Latin-1, which reads anything.
func decode(raw []byte) string {
	if bytes.Contains(raw, []byte("\x1b$")) {
		if text, err := japanese.ISO2022JP.NewDecoder().Bytes(raw); err == nil {
			return string(text)
		}
	}
	if utf8.Valid(raw) {
		return string(raw)
	}
	for _, e := range []encoding.Encoding{japanese.EUCJP, japanese.ShiftJIS} {
		if text, err := e.NewDecoder().Bytes(raw); err == nil && (strings.Contains(string(text), "[有効期限]") || strings.Contains(string(text), "[状態]")) {
			return string(text)
		}
	}
	// Cut in the middle of a character, UTF-8 is UTF-8 still.
	if text := bytes.ToValidUTF8(raw, nil); len(raw)-len(text) < utf8.UTFMax {
		return string(text)
	}
	latin := make([]rune, len(raw))
	for i, b := range raw {
		latin[i] = rune(b)
	}
	return string(latin)
}

// A field is one line of an answer: "label: value", "[label] value".
type field struct{ label, value string }

var (
	bracketed = regexp.MustCompile(`^(?:[a-z]\.\s?)?\[([^\]]{1,40})\]\s*(.*)$`)
	coloned   = regexp.MustCompile(`^([^:]{1,60}?)[ .*]*:\s*(.*)$`)
	worded    = regexp.MustCompile(`^(?i:(?:record |domain )?(expires)(?: on)?) (\d.*)$`)
)

// lineLimit is how many lines of an answer are looked at (own).
const lineLimit = 2000

// readLines takes an answer apart. A label that stands alone has the next line
// as its value.
func readLines(text string) []field {
	var fields []field
	lines := strings.SplitN(strings.ReplaceAll(text, "\r", ""), "\n", lineLimit)
	for i, line := range lines {
		line = strings.TrimSpace(line)
		m := bracketed.FindStringSubmatch(line)
		if m == nil {
			m = worded.FindStringSubmatch(line)
		}
		if m == nil {
			m = coloned.FindStringSubmatch(line)
		}
		if m == nil {
			continue
		}
		f := field{label: strings.ToLower(strings.TrimSpace(m[1])), value: strings.TrimSpace(m[2])}
		if f.value == "" && i+1 < len(lines) && !coloned.MatchString(strings.TrimSpace(lines[i+1])) {
			f.value = strings.TrimSpace(lines[i+1])
		}
		fields = append(fields, f)
	}
	return fields
}

// expiryLabels are the words of registries for the day on which it ends, the
// surest first: registries' own before what they repeat of the registrar.
var expiryLabels = []string{
	"registry expiry date", "有効期限", "expires on", "expires", "expire", "expire date", "expiry date", "expiration date", "expiration time",
	"expiration", "paid-till", "renewal date", "valid until", "expires at", "domain expires", "domain expiration date", "expire-date", "validity",
	"fecha de vencimiento", "fecha de expiración", "data de expiração", "registrar registration expiration date",
}

// stateLabels are the words for the state.
var stateLabels = []string{"domain status", "status", "state", "状態", "registration status", "eppstatus", "hold"}

// missingWords are how registries say that nobody has a domain.
var missingWords = []string{
	"no match", "not found", "no entries found", "no data found", "no object found", "status: free", "status: available", "is available for registration", "nothing found", "no information available about domain",
	"object does not exist", "the queried object does not exist",
}

// readWhois reads an answer about a domain; next is the server to ask for more.
func readWhois(text, name string) (said Registration, next string, err error) {
	said.By = "WHOIS"
	about, another := false, false
	rank := len(expiryLabels)
	for _, f := range readLines(text) {
		switch f.label {
		case "domain name", "domain", "ドメイン名":
			if is := PlainName(firstWord(f.value)); is == name {
				about = true
			} else if is != "" && strings.Contains(is, ".") {
				another = true
			}
		case "registrar", "sponsoring registrar", "registrar name":
			if said.Registrar == "" {
				said.Registrar = shortName(f.value)
			}
		case "registrar whois server", "whois server", "refer":
			if host := whoisHost(f.value); next == "" {
				next = host
			}
		}
		if i := slices.Index(expiryLabels, f.label); i >= 0 && i <= rank {
			if at, ok := readDate(f.value); ok {
				if i < rank {
					said.Expires = time.Time{}
				}
				rank, said.Expires = i, earlier(said.Expires, at)
			}
		}
		if slices.Contains(stateLabels, f.label) {
			said.Held = append(said.Held, statesOf(f, &said)...)
		}
	}
	slices.Sort(said.Held)
	said.Held = slices.Compact(said.Held)
	switch {
	case about:
		return said, next, nil
	case another:
		return Registration{}, "", errOther
	case !said.Expires.IsZero():
		return said, next, nil // an answer without the domain's name in it
	}
	low := strings.ToLower(text)
	for _, w := range missingWords {
		if strings.Contains(low, w) {
			return Registration{By: "WHOIS", Missing: true}, "", nil
		}
	}
	return Registration{}, "", errStrange
}

// connected is how .co.jp and its like tell state and date in one.
var connected = regexp.MustCompile(`^(.*?)\s*[（(](\d{4}/\d{2}/\d{2})[)）]`)

func statesOf(f field, said *Registration) []Hold {
	value := f.value
	if m := connected.FindStringSubmatch(value); m != nil {
		if at, ok := readDate(m[2]); ok && said.Expires.IsZero() {
			said.Expires = at
		}
		value = m[1]
	}
	if f.label == "hold" {
		if strings.EqualFold(value, "yes") {
			return []Hold{HeldByRegistry}
		}
		return nil
	}
	value, _, _ = strings.Cut(value, "http") // EPP's explanation
	return holds(strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '/' }))
}

// holds are the states that take a domain away. RDAP writes "client hold", EPP
// "clientHold" with an address behind it.
func holds(words []string) []Hold {
	var found []Hold
	for _, w := range words {
		w, _, _ = strings.Cut(strings.ToLower(w), "http")
		w = strings.NewReplacer(" ", "", "-", "", "_", "", "\t", "", "(", "", ")", "", ".", "").Replace(w)
		var h Hold
		switch w {
		case "clienthold":
			h = HeldByRegistrar
		case "serverhold":
			h = HeldByRegistry
		case "suspended", "onhold", "notdelegated", "registrysuspended", "停止":
			h = HeldSuspended
		case "redemptionperiod", "redemption", "inquarantine", "quarantine", "pendingdeleterestorable", "autorenewredemption":
			h = InRedemption
		case "pendingdelete", "tobedeleted", "pendingdeleteunrestorable", "pendingdeletescheduledforrelease", "deleted", "廃止":
			h = BeingDeleted
		default:
			continue
		}
		if !slices.Contains(found, h) {
			found = append(found, h)
		}
	}
	// EPP sets both while it can still be recovered.
	if slices.Contains(found, InRedemption) {
		found = slices.DeleteFunc(found, func(h Hold) bool { return h == BeingDeleted })
	}
	return found
}

// dateForms are how registries write a day or an instant, without what makes
// 3/4/2027 mean two days.
var dateForms = []string{
	time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05",
	time.DateOnly, "2006/01/02 15:04:05", "2006/01/02", "2006.01.02 15:04:05", "2006.01.02", "2006. 01. 02", "20060102", "2-Jan-2006 15:04:05", "2-Jan-2006", "2006-Jan-2",
	"2.1.2006 15:04:05", "2.1.2006", "2 Jan 2006", "2 January 2006", "January 2 2006", "Jan 2 2006", "Mon Jan 2 15:04:05 2006", "Mon Jan 2 2006",
}

var (
	zoneBehind = regexp.MustCompile(`\s*(?:\(?(?:UTC|GMT|JST|CET|CEST|CLST)[^)]*\)?|\[[^\]]*\])$`)
	slashed    = regexp.MustCompile(`^(\d{1,2})[/-](\d{1,2})[/-](\d{4})(.*)$`)
)

// readDate reads a date; false for what is none, or could be two. A day
// without a clock is its noon in UTC, which is that day in nearly every zone.
func readDate(s string) (time.Time, bool) {
	if len(s) > 60 {
		s = s[:60]
	}
	s = strings.Join(strings.Fields(zoneBehind.ReplaceAllString(strings.TrimSpace(s), "")), " ")
	s = strings.TrimRight(strings.ReplaceAll(s, ", ", " "), ". ")
	if m := slashed.FindStringSubmatch(s); m != nil {
		// Day or month first: only a number above twelve tells.
		day, month := m[1], m[2]
		if month > "12" && len(month) == 2 {
			day, month = month, day
		} else if len(day) < 2 || day <= "12" {
			if day != month {
				return time.Time{}, false
			}
		}
		s = day + "." + month + "." + m[3] + m[4]
	}
	for _, form := range dateForms {
		if t, err := time.Parse(form, s); err == nil {
			t = t.UTC()
			if !strings.Contains(form, "15") {
				t = t.Add(12 * time.Hour)
			}
			// What lies outside was never meant (own).
			return t, t.Year() >= 1990 && t.Year() < 2200
		}
	}
	if at := strings.IndexByte(s, '.'); at > 10 && strings.Contains(s[:at], ":") { // fractions without a zone
		return readDate(s[:at])
	}
	return time.Time{}, false
}

func firstWord(s string) string {
	s, _, _ = strings.Cut(s, " ")
	return s
}

// shortName is a name of somebody else's, short enough for a sentence.
func shortName(s string) string { return checks.Shorten(checks.Quote(s), 60) }
