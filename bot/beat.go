package bot

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// A Beat is the time of the last round, written where friends can read it: a
// field of the bot's own profile. One that stays the same is a bot that is
// silent.
type Beat struct {
	// Field is the name of the field, and Form writes an instant into it.
	Field string
	Form  func(time.Time) string
	// Every is how often it is written at most.
	Every time.Duration
}

// A Profile is a [Home] where the bot can write a field of its own profile; what
// else stands there stays. The error wraps [ErrNoRoom] where no field is free.
type Profile interface {
	SetField(ctx context.Context, name, value string) error
}

// ErrNoRoom means that the profile has no field left.
var ErrNoRoom = errors.New("the profile has no free field")

const (
	// beatMeta is the key under which is kept when it was written last.
	beatMeta = "beat"
	// beatAgain is how soon it is tried again after a failure (own).
	beatAgain = 10 * time.Minute
)

// runBeat writes the time of the last round until ctx ends.
func (b *Bot) runBeat(ctx context.Context) {
	profile, able := b.o.Home.(Profile)
	if b.o.Beat == nil || !able {
		return
	}
	select {
	case <-b.o.Schedule.Ready():
	case <-ctx.Done():
		return
	}
	var said string
	for never := make(chan struct{}); ; {
		next, err := b.beat(ctx, profile, time.Now())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && err.Error() != said:
			said = err.Error()
			b.log.Warn("the time of the last round could not be written into the profile; tried again later", "field", b.o.Beat.Field, "err", err)
		case err == nil:
			said = ""
		}
		if !await(ctx, never, next) {
			return
		}
	}
}

// beat writes it if it is time, and says when the next time is. What is written
// is when the clock of the checks turned last: where that stands still, this does.
func (b *Bot) beat(ctx context.Context, profile Profile, now time.Time) (next time.Time, err error) {
	again := now.Add(min(beatAgain, b.o.Beat.Every))
	var last string
	err = b.o.DB.Read(ctx, func(tx *sql.Tx) error {
		last, err = metaValue(ctx, tx, beatMeta)
		return err
	})
	if err != nil {
		return again, err
	}
	if at, known := stamped(last); known && !at.After(now) && now.Sub(at) < b.o.Beat.Every {
		return at.Add(b.o.Beat.Every), nil
	}
	if err := profile.SetField(ctx, b.o.Beat.Field, b.o.Beat.Form(b.o.Schedule.Beat())); err != nil {
		return again, err
	}
	err = b.o.DB.Write(ctx, func(tx *sql.Tx) error { return setMeta(ctx, tx, beatMeta, stamp(now)) })
	return now.Add(b.o.Beat.Every), err
}
