package systemd

import (
	"context"
	"errors"
	"testing"

	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	say := checkstest.SayError
	checkstest.Texts(
		t, "systemd",
		say("unseen: not here", Unseen(ErrAbsent)),
		say("unseen: no answer", Unseen(context.DeadlineExceeded)),
		say("unseen: not to be asked", Unseen(errors.New("permission denied"))),
	)
}
