package certs

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A renewal is what certbot has noted of how a certificate is renewed.
type renewal struct {
	name string
	// installer puts the renewed one into the web server by itself; "" where
	// none does.
	installer string
	// hooks are commands that run after a renewal.
	hooks []string
}

// confLimit is how many notes are read (own).
const confLimit = 300

// certbotPlugins are the installers of certbot that reload their web server.
var certbotPlugins = []string{"nginx", "apache"}

// readRenewals reads renewal/NAME.conf, and the hooks that hold for all: those
// of cli.ini, and the programs in renewal-hooks.
func readRenewals(t *tree) (confs []renewal, denied bool) {
	names, err := t.list("renewal")
	if err != nil {
		return nil, errors.Is(err, fs.ErrPermission)
	}
	slices.Sort(names)
	common := commonHooks(t)
	for _, file := range names {
		name, isConf := strings.CutSuffix(file, ".conf")
		if !isConf || len(confs) == confLimit {
			continue
		}
		data, _, err := t.read("renewal/" + file)
		if errors.Is(err, fs.ErrPermission) {
			denied = true
		}
		if err != nil {
			continue
		}
		r := renewal{name: name, hooks: common}
		for key, value := range settingsOf(string(data)) {
			switch key {
			case "installer":
				if value != "None" {
					r.installer = value
				}
			case "renew_hook", "deploy_hook", "post_hook":
				r.hooks = append(slices.Clip(r.hooks), value)
			}
		}
		confs = append(confs, r)
	}
	return confs, denied
}

// settingsOf reads lines of the form "key = value".
func settingsOf(text string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, "=")
		key = strings.ReplaceAll(strings.TrimSpace(key), "-", "_")
		if ok && key != "" && key[0] != '#' && key[0] != ';' {
			found[key] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return found
}

// unknownHook stands for a program that cannot be read: it may reload.
const unknownHook = "/usr/local/unreadable"

// commonHooks are the hooks that certbot runs after every renewal.
func commonHooks(t *tree) []string {
	var hooks []string
	if data, _, err := t.read("cli.ini"); err == nil {
		for key, value := range settingsOf(string(data)) {
			if key == "renew_hook" || key == "deploy_hook" || key == "post_hook" {
				hooks = append(hooks, value)
			}
		}
	}
	for _, folder := range []string{"renewal-hooks/deploy", "renewal-hooks/post"} {
		names, err := t.list(folder)
		if errors.Is(err, fs.ErrPermission) {
			hooks = append(hooks, unknownHook)
		}
		for _, name := range names {
			if hook, ok := hookProgram(t, path.Join(folder, name)); ok {
				hooks = append(hooks, hook)
			}
		}
	}
	return hooks
}

// hookProgram reads a program that certbot would run: certbot passes over what
// is not executable, and over what ends in "~".
func hookProgram(t *tree, file string) (text string, runs bool) {
	info, err := t.root.Lstat(file)
	if err != nil || strings.HasSuffix(file, "~") {
		return "", false
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return unknownHook, true // what it leads to is not looked into
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return "", false
	}
	data, _, err := t.read(file)
	if err != nil {
		return unknownHook, true
	}
	return string(data), true
}

var (
	// reloadVerb matches how programs are told to read their files again.
	reloadVerb = regexp.MustCompile(`(?i)\b(reload|force-reload|start|restart|try-restart|reload-or-restart|graceful|sighup|hup)\b|-s\s*(reload|hup)|\bkill\b`)
	// webWord matches what serves port 443, and what may hold it.
	webWord = regexp.MustCompile(`(?i)nginx|openresty|angie|apache|httpd|caddy|haproxy|traefik|docker|podman|compose`)
	// mailWord matches what serves mail and no web.
	mailWord = regexp.MustCompile(`(?i)postfix|dovecot|exim|opensmtpd|smtpd|maddy|stalwart`)
	// ownProgram matches a call of something that cannot be looked into.
	ownProgram = regexp.MustCompile(`/usr/local/|/opt/|/root/|/home/|/srv/|\.sh\b|\.py\b|\.pl\b`)
)

// reloadsWeb tells whether a command, or a script, makes the web server load
// the renewed certificate, as far as can be told: what calls another program
// is given the benefit of the doubt.
func reloadsWeb(text string) bool {
	text = withoutComments(text)
	return plainlyReloadsWeb(text) || reloadVerb.MatchString(text) && !mailWord.MatchString(text) || ownProgram.MatchString(text)
}

// plainlyReloadsWeb tells whether one of the lines says so.
func plainlyReloadsWeb(text string) bool {
	for line := range strings.Lines(text) {
		if reloadVerb.MatchString(line) && webWord.MatchString(line) {
			return true
		}
	}
	return false
}

func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// loads tells whether a renewed certificate is brought into use by itself.
func (r renewal) loads() bool {
	return slices.Contains(certbotPlugins, r.installer) || slices.ContainsFunc(r.hooks, reloadsWeb)
}

// acmeShReload reads the command out of acme.sh's own notes.
func acmeShReload(conf string) string {
	for line := range strings.Lines(conf) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "Le_ReloadCmd=")
		if !ok {
			continue
		}
		value = strings.Trim(value, `'"`)
		if inner, ok := strings.CutPrefix(value, "__ACME_BASE64__START_"); ok {
			raw, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(inner, "__ACME_BASE64__END_"))
			if err != nil {
				return ""
			}
			return string(raw)
		}
		return value
	}
	return ""
}
