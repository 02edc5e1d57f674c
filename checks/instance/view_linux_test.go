package instance

import (
	"strings"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/site"
)

func TestTheDatabaseSaysWhyV1AloneFails(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.3")
	s := serve(t)
	withDatabase := db.SiteWith(t, site.Config{Domain: domain})
	withDatabase.Address, withDatabase.Roots = s.Addr, s.site.Roots
	s.c = checkstest.Make(t, Kind(withDatabase), "")
	healthy(t, s.look(t))

	db.Exec(t, `REFRESH MATERIALIZED VIEW instances WITH NO DATA`)
	db.Exec(t, `REFRESH MATERIALIZED VIEW account_summaries WITH NO DATA`)
	s.Reload(t, s.Server("location = /api/v1/instance { return 500; }\n"+apiFiles))
	o := s.look(t)
	f, ok := checkstest.Find(o, v1, "")
	if !ok || f.Severity != checks.Critical {
		t.Fatalf("%+v", o.Findings)
	}
	says(t, f.Text, "The database says why: the materialized view instances has never been filled", "原因: データベースのマテリアライズドビュー「instances」が初期化されていません")
	var mend []string
	for _, sh := range f.Advice.Mend {
		mend = append(mend, sh.String())
	}
	want := `sudo -u postgres psql -d ` + db.Name + ` -c 'refresh materialized view "account_summaries"'` + "\n" +
		`sudo -u postgres psql -d ` + db.Name + ` -c 'refresh materialized view "instances"'`
	if strings.Join(mend, "\n") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(mend, "\n"), want)
	}

	db.Exec(t, `REFRESH MATERIALIZED VIEW instances`)
	o = s.look(t)
	if f, _ := checkstest.Find(o, v1, ""); strings.Contains(f.Text.En, "materialized view") {
		t.Errorf("the view is blamed although it is filled: %s", f.Text.En)
	}
	s.Reload(t, s.Server(apiFiles))
	healthy(t, s.look(t))
}

func TestAnotherVersionIsAnEvent(t *testing.T) {
	s := serve(t)
	if o := s.look(t); len(o.Events) > 0 {
		t.Errorf("the first look knows no change: %+v", o.Events)
	}
	s.files(t, strings.ReplaceAll(v1JSON, "4.5.2", "4.6.0"), strings.ReplaceAll(v2JSON, "4.5.2", "4.6.0"))
	o := s.look(t)
	if len(o.Events) != 1 || o.Events[0].Code != checks.EventUpdated || o.Events[0].Subject != "4.6.0" {
		t.Fatalf("%+v", o.Events)
	}
	says(t, o.Events[0].Text, "updated from 4.5.2 to 4.6.0", "4.5.2 から 4.6.0 に更新")
	if o := s.look(t); len(o.Events) > 0 {
		t.Errorf("told twice: %+v", o.Events)
	}
}
