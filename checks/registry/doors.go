package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sababan/sababan/checks/api"
)

// ErrLater says that a registry was not asked, for it has to be left alone.
var ErrLater = errors.New("it is left alone for a while")

const (
	// pauseFirst is for how long a server is left alone that gave no answer; each
	// time it does not, twice as long, pauseLongest at most (own; many limits are
	// by the hour or the day).
	pauseFirst   = 15 * time.Minute
	pauseLongest = 24 * time.Hour
	// turnTime is how long is waited for one's turn (own).
	turnTime = 20 * time.Second
)

// doors keep to one question at a time to a server. Without a gap they are open.
type doors struct {
	now func() time.Time
	gap time.Duration

	mu  sync.Mutex
	all map[string]*door
}

// A door is that of one server.
type door struct {
	turn    chan struct{} // holds one token
	next    time.Time     // not before
	strikes int           // how often in a row it gave no answer
}

func (d *doors) of(host string) *door {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[string]*door{}
	}
	one, ok := d.all[host]
	if !ok {
		one = &door{turn: make(chan struct{}, 1)}
		one.turn <- struct{}{}
		d.all[host] = one
	}
	return one
}

// enter waits for one's turn at a server; leave tells how it went.
func (d *doors) enter(ctx context.Context, host string) (leave func(error), err error) {
	if d.gap <= 0 {
		return func(error) {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	one := d.of(host)
	select {
	case <-one.turn:
	case <-ctx.Done():
		return nil, ErrLater
	}
	d.mu.Lock()
	wait := one.next.Sub(d.now())
	d.mu.Unlock()
	if wait > d.gap {
		one.turn <- struct{}{}
		return nil, ErrLater
	}
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			one.turn <- struct{}{}
			return nil, ErrLater
		}
	}
	return func(err error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		one.next, one.strikes = after(err, d.now(), d.gap, one.strikes)
		one.turn <- struct{}{}
	}, nil
}

// after decides from when on a server may be asked again.
func after(err error, now time.Time, gap time.Duration, strikes int) (next time.Time, again int) {
	var status statusError
	if err == nil || errors.Is(err, errMissing) || errors.As(err, &status) && !status.wearied() {
		return now.Add(gap), 0
	}
	pause := pauseFirst << min(strikes, 10)
	next = now.Add(min(pause, pauseLongest))
	var limited *api.RateLimitError
	if errors.As(err, &limited) && limited.Reset.After(next) {
		next = limited.Reset
	}
	return next, strikes + 1
}

// A statusError is an HTTP status that is no answer.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("status %d", int(e)) }

// wearied tells whether it says that one should not go on asking.
func (e statusError) wearied() bool {
	return e >= http.StatusInternalServerError || e == http.StatusTooManyRequests || e == http.StatusForbidden
}

// strike leaves a server alone whose answer was none.
func (d *doors) strike(host string) {
	if d.gap <= 0 {
		return
	}
	one := d.of(host)
	d.mu.Lock()
	defer d.mu.Unlock()
	one.next, one.strikes = after(errStrange, d.now(), d.gap, one.strikes)
}

// open tells whether a server may be asked by now.
func (d *doors) open(host string) bool {
	if d.gap <= 0 {
		return true
	}
	one := d.of(host)
	d.mu.Lock()
	defer d.mu.Unlock()
	return one.next.Sub(d.now()) <= d.gap
}

// Ready tells whether whoever is asked first about a suffix may be asked now.
func (r *Book) Ready(suffix string) bool {
	r.mu.Lock()
	w, ok := r.toldLast(suffix)
	r.mu.Unlock()
	switch {
	case !ok: // it is not known who that is
		return r.doors.open(hostOf(r.out.Bootstrap))
	case len(w.RDAP) > 0:
		return r.doors.open(hostOf(w.RDAP[0]))
	case w.WHOIS != "":
		return r.doors.open(w.WHOIS)
	}
	return true
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
