package streaming

import "time"

// pace is every length of time that the check goes by.
type pace struct {
	answer time.Duration // how long an HTTP answer or a handshake may take
	near   time.Duration // the same for a port on this machine
	brief  time.Duration // how long everything but the idle connection may take
	ping   time.Duration // how long the server's ping is waited for
	atOnce time.Duration // a connection that ends within this was not idle: it was refused
	settle time.Duration // from the opening of a connection until its subscription holds
	post   time.Duration // how long making the own post, or deleting it, may take
	late   time.Duration // an event later than this is late
	wait   time.Duration // an event later than this is missing
	dead   time.Duration // what has been dead for so long is critical
	every  time.Duration // between own posts while all is well
	again  time.Duration // between own posts while they do not arrive
	gap    time.Duration // between own posts at least
	hold   time.Duration // how long a connection is kept without traffic
	short  time.Duration // one that is cut earlier is a finding
	beat   time.Duration // how often the server's health is looked at meanwhile
	retest time.Duration // until a connection that was cut is tried again
	// nightBegins and nightEnds are the hours, in this machine's zone, in which an
	// idle connection is held.
	nightBegins, nightEnds int
}

func usualPace() pace {
	return pace{
		answer: 10 * time.Second, near: 3 * time.Second, brief: 75 * time.Second, // own
		ping:   35 * time.Second, // Mastodon and GoToSocial ping every 30 s
		atOnce: 3 * time.Second,  // own
		// A subscription is not acknowledged (Mastodon 4.6); measured, it takes a few
		// milliseconds.
		settle: 500 * time.Millisecond,
		post:   10 * time.Second, // own
		late:   10 * time.Second, // defaults
		wait:   30 * time.Second, // own
		dead:   15 * time.Minute, // defaults
		every:  10 * time.Minute, // defaults: 18 posts of 300 in three hours
		// Mastodon lets an account delete 30 posts in 30 minutes, and the bot needs
		// some of these for its own messages.
		again: 4 * time.Minute, gap: 90 * time.Second, // own
		hold:   15 * time.Minute, // the checklist: a quarter of an hour without traffic
		short:  5 * time.Minute,  // defaults
		beat:   2 * time.Minute,  // as often as the looks that it stands for
		retest: time.Hour,        // own
		// A look that takes a quarter of an hour is in nobody's way then (own).
		nightBegins: 3, nightEnds: 6,
	}
}

// slack is what a look may come too early by (own): looks are not to the second.
const slack = 30 * time.Second
