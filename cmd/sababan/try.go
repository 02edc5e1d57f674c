package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

type tryFlags struct {
	say    []string
	broken []string
	listen string
	page   string
	lang   langFlag
	// paged tells whether a page is wanted.
	paged bool
	// pictures is a folder.
	pictures string
}

func newTryCommand(env environment) *cobra.Command {
	var f tryFlags
	cmd := &cobra.Command{
		Use:   "try",
		Short: "Shows the bot at work: a Mastodon in memory, this machine's checks, and you as the admin",
		Long: "Starts everything in one process on loopback: a small Mastodon in memory, the daemon with a state in memory,\n" +
			"the real checks of this machine, and an admin, whose words are yours: a line of standard input is a mention.\n" +
			"The same can be seen and done in a browser, on the page whose address is printed; nobody else can open it.",
		Args: noWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.paged = len(f.say) == 0 || cmd.Flags().Changed("listen") || cmd.Flags().Changed("page")
			return try(cmd.Context(), env, f)
		},
	}
	cmd.Flags().StringArrayVar(&f.say, "say", nil, "say this as the admin, wait for the answer, and end (repeatable)")
	cmd.Flags().StringArrayVar(&f.broken, "break", nil, "make the thing ill that this check looks at, and mend it again (repeatable)")
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "where the Mastodon in memory listens; loopback only")
	cmd.Flags().StringVar(&f.page, "page", "127.0.0.1:0", "where the page for the browser listens; loopback only")
	cmd.Flags().StringVar(&f.pictures, "pictures", "", "keep the pictures that are posted in this folder")
	cmd.Flags().Var(&f.lang, "lang", "language of the bot: en or ja (default from the locale)")
	return cmd
}

// Times of `try`: what takes minutes elsewhere takes seconds here.
const (
	tryEvery = 4 * time.Second // between two looks of each check
	// tryAnswer is longer than the two minutes that the bot's first message
	// waits for checks which have not looked yet.
	tryAnswer = 3 * time.Minute
	trySilent = 10 * time.Second // until it is said that something takes its time
	tryPoll   = 2 * time.Second
	tryWake   = 200 * time.Millisecond
	// tryGrouping is how long news waits for company.
	tryGrouping = 5 * time.Second
	tryLog      = 40 // lines of the daemon's log kept for when something goes wrong
)

// A scene is what `try` shows: the stage and who is on it.
type scene struct {
	stage  *stage
	lang   checks.Lang
	out    io.Writer
	mu     sync.Mutex // one voice at a time
	heard  map[string]chan sandbox.Status
	alerts chan sandbox.Status
	log    *tail
}

func try(ctx context.Context, env environment, f tryFlags) error {
	if err := loopback("--listen", f.listen); err != nil {
		return err
	}
	if err := loopback("--page", f.page); err != nil {
		return err
	}
	lang := f.lang.or(env.getenv)
	log := &tail{limit: tryLog}
	stage, err := newStage(ctx, env, f, lang, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		return err
	}
	defer stage.close()
	s := &scene{
		stage: stage, lang: lang, out: env.stdout, log: log,
		heard: map[string]chan sandbox.Status{}, alerts: make(chan sandbox.Status, 64),
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Go(func() { s.listen(ctx) })
	var failed error
	all.Go(func() {
		if failed = stage.daemon.run(ctx); failed != nil {
			stop()
		}
	})
	err = s.play(ctx, env.stdin, f)
	stop()
	all.Wait()
	if failed != nil {
		return failed
	}
	return err
}

// play is the course of it: the greeting, what is broken, what is said.
func (s *scene) play(ctx context.Context, stdin io.Reader, f tryFlags) error {
	s.print(s.text(checks.Text{
		En: fmt.Sprintf("A Mastodon in memory listens on %s. @sababan watches this machine; you are @admin.", s.stage.address),
		Ja: fmt.Sprintf("メモリ上の小さなMastodonが %s で動いています。@sababan がこのマシンを見守り、あなたは @admin です。", s.stage.address),
	}))
	if s.stage.page != nil {
		s.print(s.text(checks.Text{
			En: "The same in a browser, for you alone: " + s.stage.browse,
			Ja: "ブラウザでも同じことができます（このアドレスは他の人に教えないでください）: " + s.stage.browse,
		}))
	}
	if _, err := s.await(ctx, s.alerts, "the first message"); err != nil {
		return err
	}
	for _, name := range f.broken {
		if err := s.breakOne(ctx, name, len(f.say) == 0); err != nil {
			return err
		}
	}
	for _, text := range f.say {
		if err := s.say(ctx, text); err != nil {
			return err
		}
	}
	for _, name := range f.broken {
		if len(f.say) > 0 {
			if err := s.mendOne(ctx, name); err != nil {
				return err
			}
		}
	}
	if len(f.say) > 0 {
		return nil
	}
	s.print(s.text(checks.Text{
		En: `Now type what you would say to the bot: "status", "check disk", "help". End with Ctrl-D.`,
		Ja: "ボットに話しかけてみてください: 「状態」「確認 ディスク」「ヘルプ」。終わるには Ctrl-D。",
	}))
	return s.converse(ctx, stdin)
}

// converse says each line of the input as the admin.
func (s *scene) converse(ctx context.Context, stdin io.Reader) error {
	lines := make(chan string)
	go func() { // ends with the input; a read of a terminal cannot be ended
		defer close(lines)
		in := bufio.NewScanner(stdin)
		for in.Scan() {
			select {
			case lines <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, more := <-lines:
			if !more {
				return nil
			}
			if strings.TrimSpace(line) == "" {
				continue
			}
			if err := s.say(ctx, line); err != nil {
				return err
			}
		}
	}
}

// say posts as the admin and waits for the whole answer.
func (s *scene) say(ctx context.Context, text string) error {
	st, err := s.stage.server.Say(s.stage.admin, "@sababan "+text, sandbox.SayOptions{Language: string(s.lang)})
	if err != nil {
		s.print(s.text(checks.Text{En: "That cannot be posted: " + err.Error(), Ja: "投稿できませんでした: " + err.Error()}))
		return nil
	}
	parent := st.ID
	for {
		s.mu.Lock()
		answers := make(chan sandbox.Status, 1)
		s.heard[parent] = answers
		s.mu.Unlock()
		for _, m := range s.stage.server.Inbox(s.stage.admin) { // it may have been quicker
			if m.InReplyTo == parent {
				select {
				case answers <- m.Status:
				default:
				}
			}
		}
		answer, err := s.await(ctx, answers, "an answer to "+text)
		if err != nil {
			return err
		}
		if !moreToCome(answer.Text) {
			return nil
		}
		parent = answer.ID
	}
}

var partOf = regexp.MustCompile(`\((\d+)/(\d+)\)\s*(?:@\S+\s*)?$`)

// moreToCome tells whether a post is a part of a thread and not its last.
func moreToCome(text string) bool {
	m := partOf.FindStringSubmatch(text)
	return m != nil && m[1] != m[2]
}

// errTooLate ends `try` with status 3.
var errTooLate = fmt.Errorf("no answer within %d minutes", tryAnswer/time.Minute)

func (s *scene) await(ctx context.Context, c <-chan sandbox.Status, what string) (sandbox.Status, error) {
	late, silent := time.NewTimer(tryAnswer), time.NewTimer(trySilent)
	defer late.Stop()
	defer silent.Stop()
	for {
		select {
		case st := <-c:
			return st, nil
		case <-ctx.Done():
			return sandbox.Status{}, exitWith(exitUnknown)
		case <-silent.C:
			s.print(s.text(checks.Text{
				En: "(It is still looking; a busy machine or a big disk takes a minute or two.)",
				Ja: "（確認中です。混んでいるマシンや大きなディスクでは1〜2分かかります）",
			}))
		case <-late.C:
			return sandbox.Status{}, fmt.Errorf("%s: %w; the daemon's last words:\n%s", what, errTooLate, s.log)
		}
	}
}

// listen prints the conversation as it happens.
func (s *scene) listen(ctx context.Context) {
	for st := range s.stage.server.Watch(ctx) {
		s.print("\n" + s.stage.render(st))
		s.mu.Lock()
		if answers := s.heard[st.InReplyTo]; answers != nil && st.InReplyTo != "" {
			select {
			case answers <- st:
			default:
			}
		}
		s.mu.Unlock()
		if st.Author.ID == s.stage.bot.ID && !s.isAnswer(st) {
			select {
			case s.alerts <- st:
			default:
			}
		}
	}
}

// isAnswer tells whether a post of the bot answers one of the admin's.
func (s *scene) isAnswer(st sandbox.Status) bool {
	return slices.ContainsFunc(s.stage.server.Statuses(), func(other sandbox.Status) bool {
		return other.ID == st.InReplyTo && other.Author.ID == s.stage.admin.ID
	})
}

func (s *scene) print(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.out, text)
}

func (s *scene) text(t checks.Text) string { return t.In(s.lang) }

// loopback refuses every address but those of this machine alone.
func loopback(flag, listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("%s: %q is not host:port, such as 127.0.0.1:8080", flag, checks.Quote(listen))
	}
	if addr, err := netip.ParseAddr(host); host == "localhost" || err == nil && addr.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s: %q is not an address of this machine alone; use 127.0.0.1 or [::1]", flag, checks.Quote(host))
}

// tail keeps the last lines that were written to it.
type tail struct {
	mu    sync.Mutex
	lines []string
	limit int
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, strings.TrimRight(string(p), "\n"))
	if extra := len(t.lines) - t.limit; extra > 0 {
		t.lines = slices.Delete(t.lines, 0, extra)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}
