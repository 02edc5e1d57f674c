package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

var (
	tableLine   = regexp.MustCompile(`^(?:# )?(\[+[a-z_.]+\]+)$`)
	settingLine = regexp.MustCompile(`^(?:# )?([a-z_]+ = .*)$`)
)

// configPage is the man page of the configuration, written from the example:
// a section for each table, an entry for each setting with its default and the
// comment above it.
func configPage(example, version string, day time.Time) string {
	p := &page{}
	fmt.Fprintf(&p.out, ".TH SABABAN.TOML 5 %q %q sababan\n", day.Format(time.DateOnly), "sababan "+version)
	p.out.WriteString(".SH NAME\nsababan.toml \\- the configuration of sababan\n.SH SYNOPSIS\n.B /etc/sababan/config.toml\n.SH DESCRIPTION\n")
	for line := range strings.Lines(example) {
		p.line(strings.TrimRight(line, "\n"))
	}
	p.paragraph()
	p.out.WriteString(seeAlso)
	return p.out.String()
}

// seeAlso is what the example does not say.
const seeAlso = `.SH SECRETS
Each comes from the first place that has it: a systemd credential of its name, which the unit makes of a file in
.I /etc/sababan
(root's alone, chmod 600), what is named or written here, the environment.
Credentials are called token, server\-token, database\-url, redis\-url, sidekiq\-redis\-url, heartbeat\-url, and, for any other setting
whose name ends in _file, as the last element of that file's path; variables are SABABAN_TOKEN, SABABAN_SERVER_TOKEN,
SABABAN_DATABASE_URL, SABABAN_REDIS_URL, SABABAN_SIDEKIQ_REDIS_URL, SABABAN_HEARTBEAT_URL.
A new secret is taken at the next restart. A file that others may read is refused.
.SH FILES
.TP
.I /etc/sababan/config.toml
.TQ
.I /var/lib/sababan/state.db
what it remembers
.TQ
.I /usr/share/doc/sababan
the example, drop\-ins for the unit, and how to leave nothing behind
.SH SEE ALSO
.BR sababan (1),
.BR sababan\-check (1),
.BR systemd.exec (5)
`

// A page is being written.
type page struct {
	out      strings.Builder
	text     []string // of comments, not yet written
	settings []string // that they are about
}

func (p *page) line(line string) {
	if table := tableLine.FindStringSubmatch(line); table != nil {
		about := p.text
		if len(p.settings) > 0 {
			p.paragraph()
			about = nil
		}
		p.text = nil
		p.heading(table[1])
		p.text = about
		p.paragraph()
		return
	}
	if setting := settingLine.FindStringSubmatch(line); setting != nil {
		p.settings = append(p.settings, setting[1])
		return
	}
	comment, ok := strings.CutPrefix(line, "#")
	if !ok || strings.TrimSpace(comment) == "" {
		p.paragraph()
		return
	}
	if len(p.settings) > 0 {
		p.paragraph()
	}
	p.text = append(p.text, strings.TrimSpace(comment))
}

func (p *page) heading(table string) {
	kind := ".SH"
	if strings.HasPrefix(table, "[[checks.") {
		kind = ".SS"
	}
	fmt.Fprintf(&p.out, "%s %s\n", kind, roff(table))
}

// paragraph writes what has been gathered: settings with what is said of them,
// or words alone.
func (p *page) paragraph() {
	for i, s := range p.settings {
		kind := ".TP"
		if i > 0 {
			kind = ".TQ"
		}
		fmt.Fprintf(&p.out, "%s\n\\fB%s\\fR\n", kind, roff(s))
	}
	if len(p.settings) == 0 && len(p.text) > 0 {
		p.out.WriteString(".PP\n")
	}
	for _, t := range p.text {
		p.out.WriteString(roff(t) + "\n")
	}
	p.text, p.settings = nil, nil
}

var special = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `\[u2026]`, "’", `\(cq`)

// roff is a text in which nothing is a command.
func roff(s string) string {
	s = special.Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
