package bot

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/state"
)

// Options of a [Bot].
type Options struct {
	// Site is how the watched server is called in messages.
	Site string
	// Version is what this program calls itself; "" takes what it was built as.
	Version  string
	Home     Home
	Channel  Channel
	Schedule *schedule.Schedule
	DB       *state.DB
	Log      *slog.Logger
	Admins   []Admin
	// NotSetUp are the kinds that miss a setting, Needs the setting by name.
	NotSetUp []checks.Kind
	Needs    map[string]string
	// Off are the kinds that the configuration switches off.
	Off []checks.Kind
	// Summary is the weekly public post.
	Summary SummaryOptions
	// PollEvery is how often mentions are asked for when nothing wakes the
	// bot, WakeEvery the least time between two times of asking (defaults:
	// 60 s and 5 s; a server allows 300 such calls in 15 minutes).
	PollEvery, WakeEvery time.Duration
	// Ways are other ways out, in the order in which they are tried. WaysLang and
	// WaysZone are of what is written there.
	Ways     []Way
	WaysLang checks.Lang
	WaysZone *time.Location
	// HomeWatched is whether the home is the server that is watched: then messages
	// travel through what is watched.
	HomeWatched bool
	// Heartbeat is told that the bot lives; nil is nobody.
	Heartbeat Heartbeat
	// HeartbeatEvery, RelayAfter and CatchUpAfter are how often that is, how long a
	// delivery may fail before another way is taken, and how long the home must have
	// taken nothing for what waited to become one message (defaults: 5 minutes, 2
	// and 5).
	HeartbeatEvery, RelayAfter, CatchUpAfter time.Duration
	// Grouping is how long news is collected before it becomes one message
	// (default 30 s).
	Grouping time.Duration
	// Beat is written into the bot's own profile, where it is wanted.
	Beat *Beat
}

// A Bot tells admins what needs their hands, and answers when they ask.
type Bot struct {
	o      Options
	log    *slog.Logger
	kinds  []checks.Kind // set up and not, in the checklist's order
	out    *outbox
	desk   *desk
	relay  *relayer // nil where there is no other way
	people *people
	mail   *mailbox
	weekly chan struct{} // wakes the weekly post
	news   chan struct{}
	events chan struct{}
	// drawing holds one while a picture is drawn: each takes megabytes.
	drawing chan struct{}
	// limit of a post in characters, as the home says.
	limit atomic.Int64
}

// defaultLimit of a post, where the home does not say (Mastodon's own).
const defaultLimit = 500

// firstRound is how long the first list waits for checks that have not looked
// yet (own: two minutes let every check look once, and are no time on a new
// installation).
const firstRound = 2 * time.Minute

// New makes a bot. Nothing happens before [Bot.Run].
func New(o Options) *Bot {
	if o.PollEvery <= 0 {
		o.PollEvery = 60 * time.Second
	}
	if o.WakeEvery <= 0 {
		o.WakeEvery = 5 * time.Second
	}
	if o.Grouping <= 0 {
		o.Grouping = usualGrouping
	}
	if o.RelayAfter <= 0 {
		o.RelayAfter = relayAfter
	}
	if o.CatchUpAfter <= 0 {
		o.CatchUpAfter = catchUpAfter
	}
	if o.HeartbeatEvery <= 0 {
		o.HeartbeatEvery = heartbeatEvery
	}
	b := &Bot{o: o, log: o.Log, news: make(chan struct{}, 1), events: make(chan struct{}, 1), drawing: make(chan struct{}, 1)}
	b.limit.Store(defaultLimit)
	b.kinds = slices.Concat(o.Schedule.Kinds(), o.NotSetUp, o.Off)
	b.out = newOutbox(o.DB, o.Log, o.Channel, func() int { return int(b.limit.Load()) })
	b.people = newPeople(o.DB, o.Log, o.Home, o.Admins, &b.limit)
	b.desk = &desk{
		db: o.DB, log: o.Log, admins: o.Admins, grouping: o.Grouping,
		limit: func() int { return int(b.limit.Load()) }, wake: b.out.Wake, afterUpdate: map[string]bool{},
		after: relationsOf(o.Schedule.Kinds()), suspects: make(chan string, 64),
	}
	for _, k := range o.Schedule.Kinds() {
		b.desk.afterUpdate[k.Name] = k.AfterUpdate
	}
	b.weekly = make(chan struct{}, 1)
	b.out.fold, b.out.foldAfter = b.desk.fold, o.CatchUpAfter
	if len(o.Ways) > 0 {
		b.relay = b.newRelayer()
		b.desk.relay, b.out.changed, b.people.changed = b.relay, b.relay.Wake, b.relay.Wake
	}
	b.mail = &mailbox{bot: b, wake: make(chan struct{}, 1)}
	return b
}

// News tells the bot that alerts have been written. It never blocks.
func (b *Bot) News() {
	poke(b.news)
	poke(b.events)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Health returns how delivery stands.
func (b *Bot) Health() Health { return b.out.Health() }

// handTime is how long the post in hand may take to end when the daemon does
// (the daemon is to be gone within ten seconds).
const handTime = 8 * time.Second

// Run tells and answers until ctx ends, then finishes the post in hand. An
// error means that the bot cannot do its work as it is set up.
func (b *Bot) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	hand, drop := context.WithCancel(context.WithoutCancel(ctx))
	defer drop()
	context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(handTime, drop)
		context.AfterFunc(hand, func() { timer.Stop() })
	})

	start := time.Now()
	b.desk.hello = func(ctx context.Context, now time.Time) (greeting, bool, error) { return b.hello(ctx, start, now) }

	var all sync.WaitGroup
	var failed error
	all.Go(func() { b.out.run(ctx, hand) })
	all.Go(func() { b.runDesk(ctx) })
	all.Go(func() { b.runRound(ctx, b.events) })
	all.Go(func() { b.runTidy(ctx) })
	all.Go(func() { b.runBeat(ctx) })
	all.Go(func() { b.runSummary(ctx) })
	all.Go(func() { b.runSuspects(ctx) })
	if b.relay != nil {
		all.Go(func() { b.relay.run(ctx, hand) })
	}
	if b.o.Heartbeat != nil {
		all.Go(func() { b.runHeartbeat(ctx) })
	}
	all.Go(func() {
		if failed = b.people.run(ctx, func() { b.News(); b.mail.Wake() }); failed != nil {
			stop()
		}
	})
	all.Go(func() { b.o.Home.Listen(ctx, b.mail.Wake) })
	all.Go(func() { b.mail.run(ctx) })
	all.Wait()
	// Not the context's cause: that may be the signal that ends the daemon well.
	return failed
}

// deskEvery is how often the desk looks although nothing has been said to it and
// nothing is due (own: what it decides by comes with news; this is for what was
// forgotten).
const deskEvery = time.Hour

// runDesk calls the desk whenever there is news, and when something is due.
func (b *Bot) runDesk(ctx context.Context) {
	for {
		now := time.Now()
		frozen, next, err := b.desk.turn(ctx, now)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			b.log.Error("news could not be prepared", "err", err)
			next = time.Now().Add(firstBackoff)
		}
		if frozen > 0 {
			b.out.Wake()
		}
		if b.relay != nil {
			b.relay.Wake()
		}
		if !await(ctx, b.news, soonest(next, now.Add(deskEvery))) {
			return
		}
	}
}

// await waits for a wake-up, or until an instant by the clock on the wall, at
// most deskEvery away: a clock that is set, or a machine that slept, is noticed
// within a minute. It is false when ctx ended.
func await(ctx context.Context, wake <-chan struct{}, next time.Time) bool {
	next = next.Round(0)
	for {
		left := next.Sub(time.Now().Round(0))
		if left > deskEvery {
			return true // the clock was set back
		}
		if left <= 0 {
			left = time.Millisecond
		}
		timer := time.NewTimer(min(left, time.Minute))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-wake:
			timer.Stop()
			return true
		case <-timer.C:
			if !time.Now().Round(0).Before(next) {
				return true
			}
		}
	}
}

// hello is the first message to an admin, once everything was looked at.
func (b *Bot) hello(ctx context.Context, start, now time.Time) (greeting, bool, error) {
	s, err := b.standing(ctx, now)
	if err != nil {
		return greeting{}, false, err
	}
	t := s.tally()
	awaited := slices.ContainsFunc(s.views, func(v schedule.View) bool { return !v.Looked && !v.Kind.Long })
	if awaited && now.Sub(start) < firstRound {
		return greeting{}, false, nil
	}
	count := t.countText()
	head := checks.Text{
		En: fmt.Sprintf("I watch %s from now on. First look at everything: %s.", s.site, count.En),
		Ja: fmt.Sprintf("%s の見守りを始めます。最初の確認の結果: %s", s.site, count.Ja),
	}
	if t.critical+t.warning+t.note+t.unknown+t.waiting == 0 && t.fine > 0 {
		head.Ja += "。ヨシ!"
	}
	return greeting{head, unnumbered(s)}, true, nil
}
