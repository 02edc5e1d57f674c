// Package watch looks at other people's servers, and at one's own from
// elsewhere, as anybody can from outside: certificate, web page, instance API,
// streaming, and until when its domain is registered. It also notices when a friend's bot falls silent.
package watch

import (
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings. The subject of unwell and expiring is a server,
// that of silent a bot, as name@server, that of the others a registered domain.
const (
	unwell     = "unwell"
	expiring   = "expiring" // its certificate
	silent     = "silent"
	registered = "registration"
	held       = "held"
)

// The measures.
const (
	// watched counts the servers on the list, answering those that were well at
	// their last look.
	watched   = "servers_watched"
	answering = "servers_answering"
	// answerTime is how long a server took for everything that it was asked, in
	// seconds, connection and handshake included; subject is the domain.
	answerTime = "answer_time"
	// lifeLeft is how long its certificate still lasts, in seconds; subject is
	// the domain.
	lifeLeft = "life_left"
	// leaseLeft is how long its domain is still registered, in seconds; subject is
	// the domain.
	leaseLeft = "registered_left"
)

// measuredLimit is up to how many servers have measures of their own (own: each
// is a series that is kept for a year).
const measuredLimit = 50

// tick is how often the clock calls: what is due is spread over it.
const tick = time.Minute

// An Option puts something else in the place of this machine's network.
type Option func(*prober)

// WithNetwork resolves and connects by other means.
func WithNetwork(n Network) Option { return func(p *prober) { p.network = n } }

// Kind makes the check of the servers that are listed in its table.
//
// Measures: servers_watched, servers_answering; up to fifty servers also
// answer_time, life_left and registered_left in seconds, with the domain as
// subject.
func Kind(s *site.Site, opts ...Option) checks.Kind {
	return checks.Kind{
		Name:  "watch",
		Title: checks.Text{En: "other servers from outside", Ja: "他サーバーの見守り"},
		Graphs: []checks.Graph{
			{Measure: "servers_answering", Title: checks.Text{En: "servers that answer", Ja: "応答しているサーバー数"}},
			{Measure: "answer_time", Title: checks.Text{En: "answer time", Ja: "応答時間"}},
			{Measure: "life_left", Title: checks.Text{En: "certificate: time left", Ja: "証明書の残り期間"}, Least: true},
		},
		Words: checks.Words{
			En: []string{"watched", "friends", "neighbours", "outside"},
			Ja: []string{"見守り", "他鯖", "友だちのサーバー", "外からの確認", "死活監視"},
		},
		Scope: checks.Site,
		After: []string{"clock", "cacerts"},
		// Each tick looks at those whose turn it is; see Config.Every.
		Cron:    "* * * * *",
		Timeout: 58 * time.Second,
		// Bad looks are counted by server, whose turns are not those of the clock:
		// what reaches the observation opens at once.
		Rules:    map[string]checks.Rule{},
		Settings: func() any { c := defaults(); return &c },
		New: func(t checks.Table) (checks.Check, error) {
			c := defaults()
			if err := t.Decode(&c); err != nil {
				return nil, err
			}
			if err := c.valid(); err != nil {
				return nil, err
			}
			if len(c.Domains) == 0 {
				return nil, &checks.NotSetUp{Setting: "[[checks.watch.domain]] name"}
			}
			p := newProber(s)
			for _, opt := range opts {
				opt(p)
			}
			return newCheck(s, c, p), nil
		},
	}
}
