package sidekiq

import (
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestAPipelineThatWasRefusedAsAWholeIsNoEmptyAnswer(t *testing.T) {
	refused, own := errors.New("the sentinel refuses"), errors.New("WRONGTYPE")
	with := func(err error) redis.Cmder {
		c := redis.NewStringCmd(t.Context(), "get", "x")
		c.SetErr(err)
		return c
	}
	for _, c := range []struct {
		name        string
		cmds        []redis.Cmder
		whole, want error
	}{
		{"all went well", []redis.Cmder{with(nil)}, nil, nil},
		{"a key that is not there", []redis.Cmder{with(redis.Nil), with(nil)}, redis.Nil, nil},
		{"one of them failed, behind such a key", []redis.Cmder{with(redis.Nil), with(own)}, redis.Nil, own},
		{"no command was sent", []redis.Cmder{with(nil)}, refused, refused},
	} {
		if got := first(c.cmds, c.whole); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
