package backups

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks"
)

// FuzzStatus: what a backup's job says becomes a few artefacts, or a mistake.
func FuzzStatus(f *testing.F) {
	for _, s := range []string{
		`{"exit_code":0,"time":"2026-11-22T03:00:00+09:00","size_bytes":5,"tool":"@evil","paths":["/a"]}`, `[{"time":"2026-11-22T03:00:00Z","paths":["/a"],"summary":{"total_bytes_processed":7}}]`,
		`{"archives":[{"start":"2026-11-22T03:00:00.000000","command_line":["borg"],"stats":{"original_size":1}}],"repository":{"location":"/b"}}{"exit_code":1}`,
		`[{"name":"x","status":{"code":2,"message":"no"},"backup":[{"label":"l","error":true,"timestamp":{"stop":1795340422},"info":{"size":1}}]}]`,
		`{"message_type":"exit_error","code":10,"message":"x"}`, `[{"Status":null}]`, `[]`, strings.Repeat(`{"exit_code":1}`, 1200), strings.Repeat("[", 300),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseStatus(text)
		if err != nil && (len(s.Artefacts) > 0 || s.Tool != "") || len(s.Artefacts) > keptNewest {
			t.Errorf("%v beside %+v", err, s)
		}
		if checks.Quote(s.Tool) != s.Tool || s.Location != "" && !strings.HasPrefix(s.Location, "/") {
			t.Errorf("%+v", s)
		}
	})
}

// FuzzHead: the first bytes of a file are a known form, and a dump was made in
// years in which there are dumps.
func FuzzHead(f *testing.F) {
	custom := append([]byte("PGDMP\x01\x0e\x00\x04\x08\x01"), bytes.Repeat([]byte{0, 5, 0, 0, 0}, 12)...)
	for _, b := range [][]byte{custom, []byte("PGDMP\x01\x0f\x00\xff"), {0x1f, 0x8b}, []byte("-- PostgreSQL database cluster dump\n"), append(bytes.Repeat([]byte{0}, 257), "ustar"...), append(append([]byte("toc.dat\x00"), bytes.Repeat([]byte{0}, 249)...), "ustar"...)} {
		f.Add(b, "x.tar.gz")
	}
	f.Fuzz(func(t *testing.T, head []byte, name string) {
		h := headerOf(head, name)
		if y := h.Made.Year(); h.Form == "" || !h.Made.IsZero() && (y < 1999 || y > 2201) || len(h.Database) > 63 {
			t.Errorf("%+v", h)
		}
	})
}

// FuzzScript: a script of SQL comes to its end, and nothing comes out of it that
// was not in it.
func FuzzScript(f *testing.F) {
	for _, s := range []string{
		"CREATE TABLE a (b text);\nCOPY public.a (b) FROM stdin;\nx\n\\.\nSELECT 1;\n", "\\connect other\nSELECT $a$;$a$;\n", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\n SELECT 1;\nEND;\n",
		"/* /* */ ; */ SELECT E'\\';\n';\n", "SELECT '", "COPY a FROM stdin;\nno end", "\\restrict x\n;\n",
	} {
		f.Add([]byte(s), "")
		f.Add([]byte(s), "other")
	}
	f.Fuzz(func(t *testing.T, text []byte, want string) {
		s := newScript(bytes.NewReader(text), want)
		total := 0
		for range len(text) + 2 {
			statement, err := s.next()
			if err != nil {
				return
			}
			total += len(statement)
			if statement == "" || total > len(text) || statement[0] == '\\' {
				t.Fatalf("%q", statement)
			}
			if isCopy(statement) {
				n, err := io.Copy(io.Discard, s.rows())
				if total += int(n); total > len(text) || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("%d bytes, %v", total, err)
				}
			}
		}
		t.Error("it goes on for ever")
	})
}

// FuzzJobLog: of a log one harmless line is told, without a password in it.
func FuzzJobLog(f *testing.F) {
	for _, s := range []string{"ok\nerror: postgres://me:hunter2@db/x refused\n", "failed: PGPASSWORD=hunter2 pg_dump\n", "0 errors\n", "エラー @evil\u202e\n", strings.Repeat("x", 5000) + " error"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		said := logTrouble(text)
		if checks.Quote(said) != said || checks.Live(said) {
			t.Errorf("%q", said)
		}
		const word = "hunter2hunter2"
		for _, line := range []string{"error: postgres://me:" + word + "@" + said, said + " error PASSWORD=" + word} {
			if told := withoutSecrets(line); strings.Contains(told, word) {
				t.Errorf("%q", told)
			}
		}
	})
}
