package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
)

const (
	answerTimes = 20
	helpGoal    = 50  // ms; the requirement
	statusGoal  = 200 // ms; the requirement
	// apart is the time between two mentions of the bot: it asks for mentions
	// every five seconds at most, which is not what is measured.
	apart = 5500 * time.Millisecond
	// answerWithin bounds one answer.
	answerWithin = 30 * time.Second
)

// measureAnswer mentions a running daemon as an admin does, and waits until the
// whole answer can be seen. The daemon hears by the stream, as it does in use.
// The yardstick is a bare client that replies to the stream's event at once.
func measureAnswer(ctx context.Context, w *workshop) ([]verdict, error) {
	binary, err := w.sababan(ctx)
	if err != nil {
		return nil, err
	}
	echo, err := w.floor(ctx, "echo")
	if err != nil {
		return nil, err
	}
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	s, err := newStage(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer s.close()
	samples, err := grow(ctx, binary, s)
	if err != nil {
		return nil, err
	}
	if err := settle(ctx, binary, s); err != nil {
		return nil, err
	}
	floor, err := begin(ctx, append(s.env(), "SERVER="+s.address, "TOKEN="+s.token), echo)
	if err != nil {
		return nil, err
	}
	defer floor.kill()
	daemon, _, err := startDaemon(ctx, binary, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = daemon.end() }()
	ears, cancel := context.WithCancel(ctx)
	defer cancel()
	m := mentions{stage: s, heard: s.home.Watch(ears), processes: []*process{daemon, floor}}
	if err := m.warmUp(ctx); err != nil {
		return nil, err
	}
	var bare, help, status figures
	for range answerTimes {
		for _, one := range []struct {
			text string
			into *figures
		}{{"help", &help}, {"status", &status}} {
			// The bare client is asked between two mentions of the bot.
			if !pause(ctx, apart/2) {
				return nil, ctx.Err()
			}
			took, err := m.ask(ctx, "@floor "+one.text)
			if err != nil {
				return nil, err
			}
			bare.add(took)
			if !pause(ctx, apart/2) {
				return nil, ctx.Err()
			}
			if took, err = m.ask(ctx, "@sababan "+one.text); err != nil {
				return nil, err
			}
			one.into.add(took)
		}
	}
	w.say("   state with %d samples, streaming on, %v between mentions", samples, apart)
	w.say("   bare client: %s", bare)
	w.say("   help:        %s", help)
	w.say("   status:      %s", status)
	return []verdict{
		{"answer-help", "ms (p95)", help.p95(), bare.p95(), helpGoal},
		{"answer-status", "ms (p95)", status.p95(), bare.p95(), statusGoal},
	}, nil
}

// mentions asks as the admin, one question at a time.
type mentions struct {
	stage     *stage
	heard     <-chan sandbox.Status
	processes []*process
}

// warmUp asks until both answer, and everything that is said at a start has
// been said.
func (m *mentions) warmUp(ctx context.Context) error {
	for m.stage.home.Streams() < len(m.processes) {
		if err := m.gone(); err != nil {
			return err
		}
		if !pause(ctx, 100*time.Millisecond) {
			return ctx.Err()
		}
	}
	for _, text := range []string{"@floor help", "@sababan help"} {
		if _, err := m.ask(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

func (m *mentions) gone() error {
	for _, p := range m.processes {
		select {
		case <-p.ended:
			return p.gone()
		default:
		}
	}
	return nil
}

// ask mentions somebody and waits until the whole answer is there.
func (m *mentions) ask(ctx context.Context, text string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	began := time.Now()
	said, err := m.stage.home.Say(m.stage.admin, text, sandbox.SayOptions{})
	if err != nil {
		return 0, err
	}
	parent := said.ID
	for {
		select {
		case st := <-m.heard:
			if st.InReplyTo != parent || st.Author.ID == m.stage.admin.ID {
				continue
			}
			if took := time.Since(began); !moreToCome(st.Text) {
				return took, nil
			}
			parent = st.ID
		case <-ctx.Done():
			return 0, errors.Join(fmt.Errorf("no answer to %q: %w", text, ctx.Err()), m.gone(), errors.New(m.processes[0].log.String()))
		}
	}
}

// moreToCome tells whether a post is a part of a thread and not its last.
func moreToCome(text string) bool {
	m := regexp.MustCompile(`\((\d+)/(\d+)\)\s*(?:@\S+\s*)?$`).FindStringSubmatch(text)
	return m != nil && m[1] != m[2]
}
