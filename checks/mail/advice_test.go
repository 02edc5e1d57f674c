package mail

import (
	"strings"
	"testing"

	"github.com/sababan/sababan/checks/site"
)

func TestMastodonsOwnTestMailIsOneCommand(t *testing.T) {
	const words = `'ActionMailer::Base.new.mail(to: Setting.site_contact_email, subject: "Test", body: "Test").deliver'`
	for _, tt := range []struct {
		name  string
		found site.Found
		want  string
	}{
		{"bare", site.Found{Live: "/home/mastodon/live"}, "sudo -u mastodon -H env -C /home/mastodon/live 'PATH=/home/mastodon/.rbenv/shims:/usr/local/bin:/usr/bin:/bin' 'RAILS_ENV=production' bin/rails runner " + words},
		{"in containers", site.Found{Compose: "/opt/mastodon", Live: "/x"}, "sudo docker compose --project-directory /opt/mastodon run --rm web bin/rails runner " + words},
		{"elsewhere", site.Found{}, ""},
	} {
		if got := testMail(tt.found).String(); got != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
	a := about{found: site.Found{Live: "/home/mastodon/live"}, domain: "masto.test"}
	advice := a.adviceRetries(reasonOther)
	says(t, advice.Text, "The command sends a test mail by Mastodon itself", "https://masto.test/sidekiq/retries 次のコマンドで")
	if !strings.Contains(advice.Look.String(), "ActionMailer") {
		t.Errorf("look %v", advice.Look)
	}
}
