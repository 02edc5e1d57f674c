package site

import (
	"context"
	"fmt"

	"github.com/sababan/sababan/checks"
)

// Lend gives the site a way to the token of an account on the watched server;
// it is asked anew each time. Its error is one sentence that names the setting.
func (s *Site) Lend(token func() (checks.Secret, error)) { s.token = token }

// HasToken tells whether somebody has given one.
func (s *Site) HasToken() bool { return s.token != nil }

// Token is the token of an account on the watched server. Its error is
// *[checks.NotSetUp] where nobody has given one, else *[checks.Unseen].
func (s *Site) Token(context.Context) (checks.Secret, error) {
	if s.token == nil {
		return checks.Secret{}, &checks.NotSetUp{Setting: "[server] token_file"}
	}
	t, err := s.token()
	if err != nil {
		said := checks.Said(err.Error())
		return checks.Secret{}, &checks.Unseen{Err: err, Why: checks.Text{
			En: fmt.Sprintf("the token of the watched server cannot be used (%s)", said.En),
			Ja: fmt.Sprintf("サーバーのトークンを使えません（%s）", said.Ja),
		}}
	}
	return t, nil
}
