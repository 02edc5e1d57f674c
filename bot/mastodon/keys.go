package mastodon

import (
	"strconv"
	"sync"
	"time"
)

// keyLife is how long Mastodon remembers an idempotency key.
const keyLife = time.Hour

// A keyring holds the keys that a server has spent: Mastodon answers a key
// whose post was deleted with 404 for the rest of its hour, and one that was
// used for another message with that message. The key that follows a spent one
// is derived from it, so that a restart finds the same way again.
type keyring struct {
	mu    sync.Mutex
	spent map[string]spending
}

type spending struct {
	times int
	last  time.Time
}

// current is the key to send for a message's key.
func (k *keyring) current(key string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n := k.spent[key].times; n > 0 {
		return key + "/" + strconv.Itoa(n)
	}
	return key
}

// spend makes the next attempt use another key.
func (k *keyring) spend(key string, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.spent == nil {
		k.spent = map[string]spending{}
	}
	for old, s := range k.spent {
		// Twice its life: the last key of a chain may be younger than its spending.
		if now.Sub(s.last) > 2*keyLife {
			delete(k.spent, old)
		}
	}
	k.spent[key] = spending{times: k.spent[key].times + 1, last: now}
}
