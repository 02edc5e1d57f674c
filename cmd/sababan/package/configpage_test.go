package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestThePageOfTheConfigurationIsWrittenFromTheExample(t *testing.T) {
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	got := configPage(`# The configuration.
#
# Nothing leaves.
# offline = false

# What the bot is.
[bot]
# In a file (chmod 600);
# or the token itself.
token_file = "/etc/token"
# token = "0123"

# [[checks.backups.source]]
# name = "a\b"   # trailing
# .dotted words first
# every = "1d"
`, "1.2.3", day)
	want := `.PP
The configuration.
.TP
\fBoffline = false\fR
Nothing leaves.
.SH [bot]
.PP
What the bot is.
.TP
\fBtoken_file = "/etc/token"\fR
.TQ
\fBtoken = "0123"\fR
In a file (chmod 600);
or the token itself.
.SS [[checks.backups.source]]
.TP
\fBname = "a\eb"   # trailing\fR
.TP
\fBevery = "1d"\fR
\&.dotted words first
`
	_, got, _ = strings.Cut(got, ".SH DESCRIPTION\n")
	got, _, _ = strings.Cut(got, ".SH SECRETS")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestThePageHasEverySettingOfTheExample(t *testing.T) {
	example, err := os.ReadFile("../../../config.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	page := configPage(string(example), "1.2.3", time.Unix(0, 0))
	for _, m := range regexp.MustCompile(`(?m)^(?:# )?(\[+[a-z_.]+\]+|[a-z_]+ = .*)$`).FindAllStringSubmatch(string(example), -1) {
		if !strings.Contains(page, roff(m[1])) {
			t.Errorf("lacks %s", m[1])
		}
	}
}
