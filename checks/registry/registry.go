// Package registry asks registries of domains until when one is registered and
// in which state it is: by RDAP, and by WHOIS where there is none or it tells no
// date.
package registry

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks/public"
)

// A Registration is what a registry tells of a domain.
type Registration struct {
	// Expires is the zero time where it tells none.
	Expires time.Time `json:"expires,omitzero"`
	Held    []Hold    `json:"held,omitempty"`
	// Registrar is text of somebody else's.
	Registrar string `json:"registrar,omitempty"`
	// By is who told the date, or else the rest: "RDAP", "WHOIS".
	By string `json:"by,omitempty"`
	// Missing: the registry says that nobody has this domain.
	Missing bool `json:"missing,omitempty"`
	// Partly: who may know the date did not answer.
	Partly bool `json:"partly,omitempty"`
}

// A Hold is a state in which a domain is taken away, or about to be.
type Hold string

// The states, in the order in which they matter.
const (
	HeldByRegistrar Hold = "clientHold"
	HeldByRegistry  Hold = "serverHold"
	HeldSuspended   Hold = "suspended" // in words of a registry's own
	InRedemption    Hold = "redemptionPeriod"
	BeingDeleted    Hold = "pendingDelete"
)

// Off tells whether the name servers of the registry are told to leave it out.
func (h Hold) Off() bool {
	return h == HeldByRegistrar || h == HeldByRegistry || h == HeldSuspended
}

// A Way says whom to ask about the domains of one suffix.
type Way struct {
	RDAP  []string  `json:"rdap,omitempty"`  // addresses, each ends with a slash
	WHOIS string    `json:"whois,omitempty"` // host
	At    time.Time `json:"at"`
}

var errNoWay = errors.New("no registry is known to ask")

// Ask asks about one domain that its suffix's registry keeps, by RDAP, and by
// WHOIS where there is none or it tells no date. It is [ErrLater] where nobody
// was asked.
func (r *Book) Ask(ctx context.Context, name, suffix string) (Registration, error) {
	w, err := r.way(ctx, suffix)
	if err != nil {
		return Registration{}, err
	}
	var said Registration
	told := false
	var errs []error
	for _, base := range w.RDAP {
		if said, err = r.rdap(ctx, base, name); err == nil {
			told = true
			break
		}
		errs = append(errs, err)
		if errors.Is(err, ErrLater) {
			return Registration{}, errors.Join(errs...)
		}
	}
	if told && !said.Missing && !said.Expires.IsZero() {
		return said, nil
	}
	if w.WHOIS == "" {
		if !told {
			return Registration{}, errors.Join(append(errs, errNoWay)...)
		}
		return said, nil
	}
	more, err := r.whois(ctx, w.WHOIS, name)
	switch {
	case err != nil && told && !said.Missing:
		said.Partly = true
		return said, nil
	case err != nil:
		return Registration{}, errors.Join(append(errs, err)...)
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
func (said Registration) with(more Registration) Registration {
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
func (r *Book) way(ctx context.Context, suffix string) (Way, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, before := r.toldLast(suffix)
	now := r.out.Now()
	if age := now.Sub(old.At); before && age >= 0 && age < wayFresh {
		return old, nil
	}
	w := Way{At: now}
	var listErr, whoisErr error
	w.RDAP, listErr = r.bases(ctx, suffix)
	w.WHOIS, whoisErr = r.whoisOf(ctx, suffix)
	if listErr != nil || whoisErr != nil {
		if before {
			// Whom it was is better than nobody; it is tried again at the next look.
			return old, nil
		}
		if len(w.RDAP) == 0 && w.WHOIS == "" {
			return Way{}, errors.Join(listErr, whoisErr)
		}
		return w, nil
	}
	r.learned[suffix] = w
	return w, nil
}

// toldLast is whom it was to ask when that was found out last.
func (r *Book) toldLast(suffix string) (Way, bool) {
	if w, ok := r.learned[suffix]; ok {
		return w, true
	}
	w, ok := r.known[suffix]
	return w, ok
}

// Ways are whom to ask about some suffixes, to be remembered.
func (r *Book) Ways(suffixes []string) map[string]Way {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := map[string]Way{}
	for _, suffix := range suffixes {
		if w, ok := r.toldLast(suffix); ok {
			kept[suffix] = w
		}
	}
	return kept
}

// ErrPrivate says that a name leads into this machine or its neighbourhood.
var ErrPrivate = errors.New("it leads to an address that is not public")

// OnlyPublic refuses connections to this machine and its neighbourhood: where
// they lead is written by strangers.
func OnlyPublic(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dialling %s: %w", address, err)
	}
	if !public.Address(to.Addr()) {
		return ErrPrivate
	}
	return nil
}
