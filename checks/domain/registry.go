package domain

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/public"
)

// A registration is what a registry tells of a domain.
type registration struct {
	// Expires is the zero time where it tells none.
	Expires time.Time `json:"expires,omitzero"`
	Held    []hold    `json:"held,omitempty"`
	// Registrar is text of somebody else's.
	Registrar string `json:"registrar,omitempty"`
	// By is who told the date, or else the rest: "RDAP", "WHOIS".
	By string `json:"by,omitempty"`
	// Missing: the registry says that nobody has this domain.
	Missing bool `json:"missing,omitempty"`
	// Partly: who may know the date did not answer.
	Partly bool `json:"partly,omitempty"`
}

// A hold is a state in which a domain is taken away, or about to be.
type hold string

// The states, in the order in which they matter.
const (
	heldByRegistrar hold = "clientHold"
	heldByRegistry  hold = "serverHold"
	heldSuspended   hold = "suspended" // in words of a registry's own
	inRedemption    hold = "redemptionPeriod"
	beingDeleted    hold = "pendingDelete"
)

// off tells whether the name servers of the registry are told to leave it out.
func (h hold) off() bool {
	return h == heldByRegistrar || h == heldByRegistry || h == heldSuspended
}

// A way says whom to ask about the domains of one suffix.
type way struct {
	RDAP  []string  `json:"rdap,omitempty"`  // addresses, each ends with a slash
	WHOIS string    `json:"whois,omitempty"` // host
	At    time.Time `json:"at"`
}

// registries asks them, and finds out which there are.
type registries struct {
	out   ends
	wire  *api.Transport
	known map[string]way
	now   time.Time

	mu      sync.Mutex
	learned map[string]way
}

var errNoWay = errors.New("no registry is known to ask")

// ask asks by RDAP, and by WHOIS where there is none or it tells no date.
func (r *registries) ask(ctx context.Context, d watched) (registration, error) {
	w, err := r.way(ctx, d.suffix)
	if err != nil {
		return registration{}, err
	}
	var said registration
	told := false
	var errs []error
	for _, base := range w.RDAP {
		if said, err = r.rdap(ctx, base, d.name); err == nil {
			told = true
			break
		}
		errs = append(errs, err)
	}
	if told && !said.Missing && !said.Expires.IsZero() {
		return said, nil
	}
	if w.WHOIS == "" {
		if !told {
			return registration{}, errors.Join(append(errs, errNoWay)...)
		}
		return said, nil
	}
	more, err := r.whois(ctx, w.WHOIS, d.name)
	switch {
	case err != nil && told && !said.Missing:
		said.Partly = true
		return said, nil
	case err != nil:
		return registration{}, errors.Join(append(errs, err)...)
	}
	if told && said.Missing != more.Missing {
		// One of them is mistaken; who knows it tells more.
		if said.Missing {
			return more, nil
		}
		return said, nil
	}
	return said.with(more), nil
}

// with adds what another source told.
func (said registration) with(more registration) registration {
	if said.By == "" || said.Expires.IsZero() && !more.Expires.IsZero() {
		said.By = more.By
	}
	if said.Expires.IsZero() {
		said.Expires = more.Expires
	}
	if said.Registrar == "" {
		said.Registrar = more.Registrar
	}
	said.Missing = said.Missing || more.Missing
	for _, h := range more.Held {
		if !slices.Contains(said.Held, h) {
			said.Held = append(said.Held, h)
		}
	}
	return said
}

// way finds out whom to ask, once a week for each suffix.
func (r *registries) way(ctx context.Context, suffix string) (way, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w, ok := r.learned[suffix]; ok {
		return w, nil
	}
	old, before := r.known[suffix]
	if age := r.now.Sub(old.At); before && age >= 0 && age < wayFresh {
		r.learned[suffix] = old
		return old, nil
	}
	w := way{At: r.now}
	var listErr, whoisErr error
	w.RDAP, listErr = r.bases(ctx, suffix)
	w.WHOIS, whoisErr = r.whoisOf(ctx, suffix)
	if listErr != nil || whoisErr != nil {
		if before {
			// Whom it was is better than nobody; it is tried again at the next look.
			return old, nil
		}
		if len(w.RDAP) == 0 && w.WHOIS == "" {
			return way{}, errors.Join(listErr, whoisErr)
		}
		return w, nil
	}
	r.learned[suffix] = w
	return w, nil
}

// keep returns the ways of what is watched, to be remembered.
func (r *registries) keep(views []view) map[string]way {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := map[string]way{}
	for _, v := range views {
		if w, ok := r.learned[v.domain.suffix]; ok {
			kept[v.domain.suffix] = w
		} else if w, ok := r.known[v.domain.suffix]; ok {
			kept[v.domain.suffix] = w
		}
	}
	return kept
}

var errPrivate = errors.New("it leads to an address that is not public")

// onlyPublic refuses connections to this machine and its neighbourhood: where
// they lead is written by strangers.
func onlyPublic(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dialling %s: %w", address, err)
	}
	if !public.Address(to.Addr()) {
		return errPrivate
	}
	return nil
}
