package moderation

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/site"
)

// Bounds of the admin API (own; a page of 200 accounts with all that the API
// tells of each is some 400 kB).
const (
	pageSize      = 200
	maxPages      = 5
	maxBody       = 4 << 20
	headerTimeout = 10 * time.Second
	wholeTimeout  = 15 * time.Second
)

// adminAPI reads with a token whose account may handle reports and users,
// where there is no database to ask. What the API tells besides, such as
// e-mail addresses, is not even decoded.
type adminAPI struct {
	site *site.Site
	wire *api.Transport
}

func newAdminAPI(s *site.Site) (source, error) {
	if err := s.NeedDomain(); err != nil {
		return nil, err
	}
	return adminAPI{s, api.NewTransport(api.Options{
		UserAgent: "sababan", Address: s.Address, Roots: s.Roots,
		MaxBody: maxBody, HeaderTimeout: headerTimeout, Timeout: wholeTimeout, Brief: true,
	})}, nil
}

// one is what is read of each account and report.
type one struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	Confirmed bool      `json:"confirmed"`
	Account   struct {
		Domain *string `json:"domain"`
	} `json:"account"`
	Assigned *struct {
		ID string `json:"id"`
	} `json:"assigned_account"`
}

func (a adminAPI) read(ctx context.Context, _ time.Time) (state, error) {
	defer a.wire.CloseIdle()
	token, err := a.site.Token(ctx)
	if err != nil {
		return state{}, err
	}
	client, err := api.New("https://"+a.site.Domain, token, a.wire)
	if err != nil {
		return state{}, err
	}
	st := state{partial: true, trends: -1}
	err = a.pages(ctx, client, &st, "/api/v2/admin/accounts", url.Values{"origin": {"local"}, "status": {"pending"}}, func(o one) {
		if o.Confirmed {
			st.signups.add(o.CreatedAt)
		}
	})
	if err == nil {
		err = a.pages(ctx, client, &st, "/api/v1/admin/reports", url.Values{}, func(o one) {
			st.reports.add(o.CreatedAt)
			if o.Account.Domain == nil {
				st.localReports.add(o.CreatedAt)
			}
			if o.Assigned == nil {
				st.unassigned++
			}
		})
	}
	if err != nil {
		return state{}, unseen(err)
	}
	if in, err := client.InstanceV2(ctx); err == nil {
		switch {
		case in.Registrations.Open && in.Registrations.Approval:
			st.mode = modeApproved
		case in.Registrations.Open:
			st.mode = modeOpen
		default:
			st.mode = "none"
		}
	}
	return st, nil
}

// pages reads a list, newest first, page by page.
func (a adminAPI) pages(ctx context.Context, client *api.Client, st *state, path string, q url.Values, each func(one)) error {
	q.Set("limit", "200")
	for range maxPages {
		var page []one
		if err := client.Get(ctx, path, q, &page); err != nil {
			return err
		}
		for _, o := range page {
			each(o)
		}
		if len(page) < pageSize/2 { // older servers give half as many
			return nil
		}
		q.Set("max_id", page[len(page)-1].ID)
	}
	st.capped = true
	return nil
}

func (q *queue) add(since time.Time) {
	q.count++
	if q.oldest.IsZero() || since.Before(q.oldest) {
		q.oldest = since
	}
}

// unseen says what a token lacks.
func unseen(err error) error {
	var refused *api.StatusError
	switch {
	case errors.As(err, &refused) && refused.Code == http.StatusForbidden:
		return &checks.Unseen{Why: textForbidden(), Advice: adviceForbidden(), Err: err}
	case errors.As(err, &refused) && refused.Code == http.StatusUnauthorized:
		return &checks.Unseen{Why: textRevoked(), Advice: adviceForbidden(), Err: err}
	}
	return &checks.Unseen{Why: textNoAnswer(), Err: err}
}
