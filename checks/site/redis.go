package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/sababan/sababan/checks"
)

// redisPatience is how long one question to Redis may take (own: an answer in
// a second is already late; several questions fit into a look).
const redisPatience = 3 * time.Second

// A Redis is how one of Mastodon's Redis databases is read.
type Redis struct {
	site    *Site
	setting string        // its name in [server]
	url     checks.Secret // as it is set; or empty
	jobs    bool          // the one that holds Sidekiq's jobs
	denied  atomic.Bool

	mu     sync.Mutex
	client *redis.Client
	key    string // what client leads to

	peeked lastSecret
}

// lastSecret is the last of what was used.
type lastSecret struct{ words atomic.Pointer[checks.Secret] }

func (l *lastSecret) set(words string) {
	s := checks.NewSecret(words)
	l.words.Store(&s)
}

func (l *lastSecret) value() checks.Secret {
	if s := l.words.Load(); s != nil {
		return *s
	}
	return checks.Secret{}
}

// Redis is the base database: deliveries that fail, streaming, keys of posts.
func (s *Site) Redis() *Redis {
	s.link()
	return s.redis
}

// SidekiqRedis is the database that holds Sidekiq's jobs; the base one unless
// it is set or found otherwise.
func (s *Site) SidekiqRedis() *Redis {
	s.link()
	return s.jobs
}

// NeedRedis is the error of a kind that cannot look without Redis.
func (s *Site) NeedRedis() error {
	if s.set.RedisURL.Empty() && s.set.SidekiqRedisURL.Empty() && !s.mastodonHere() && len(s.Find(context.Background()).RedisData) == 0 {
		return &checks.NotSetUp{Setting: "[server] redis_url"}
	}
	return nil
}

// Denied tells whether something could not be read for want of a right.
func (r *Redis) Denied() bool { return r.denied.Load() }

// Do hands out the client and what is before every key: "" or "namespace:".
// Errors of Redis come back as *[checks.Unseen], with the cause inside.
func (r *Redis) Do(ctx context.Context, f func(ctx context.Context, c *redis.Client, prefix string) error) error {
	if err := r.site.NeedRedis(); err != nil {
		return err
	}
	where, err := r.where(ctx)
	if err != nil {
		return err
	}
	c := r.open(where)
	prefix, err := r.prefix(ctx, c)
	if err == nil {
		err = f(ctx, c, prefix)
	}
	fault := RedisFaultOf(err)
	told := redisUnseen(err, where.place(), r.setting, where.password(), r.peeked.value())
	var unseen *checks.Unseen
	if fault == NotLetIn && r.wantsRoot() && errors.As(told, &unseen) {
		unseen.Advice = asRootAdvice()
		return told
	}
	if fault == NotLetIn || fault == NoGrant {
		r.denied.Store(true)
	}
	return told
}

// wantsRoot tells whether the password stands where only root may read it:
// nothing is set, and this is an ordinary user's look.
func (r *Redis) wantsRoot() bool {
	return r.url.Empty() && r.site.set.RedisURL.Empty() && r.site.set.Peek && os.Geteuid() != 0
}

// Place is where this Redis is, for people: a socket or host:port.
func (r *Redis) Place(ctx context.Context) string {
	where, err := r.where(ctx)
	if err != nil {
		return ""
	}
	return where.place()
}

// prefix finds out whether the keys lie below a namespace, which Mastodon knew
// up to 4.3 and whose setting is often left behind.
func (r *Redis) prefix(ctx context.Context, c *redis.Client) (string, error) {
	ns := cmp.Or(r.site.set.RedisNamespace, r.site.Find(ctx).Settings["REDIS_NAMESPACE"])
	if ns == "" {
		return "", nil
	}
	prefix := ns + ":"
	there, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range []string{"processes", prefix + "processes", "queues", prefix + "queues"} {
			p.Exists(ctx, key)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	var seen [4]bool
	for i, one := range there {
		if n, ok := one.(*redis.IntCmd); ok {
			seen[i] = n.Val() > 0
		}
	}
	return namespaceInUse(prefix, seen[0], seen[1], seen[2], seen[3]), nil
}

// namespaceInUse decides by what is there: running processes tell more than
// queues that once were.
func namespaceInUse(prefix string, processes, processesBelow, queues, queuesBelow bool) string {
	switch {
	case processes != processesBelow:
		if processesBelow {
			return prefix
		}
		return ""
	case queuesBelow && !queues:
		return prefix
	}
	return ""
}

// redisPlace is where a Redis is and how it is spoken to.
type redisPlace struct {
	options redis.Options
	// sentinels and master are set where sentinels tell who is the primary.
	sentinels []string
	master    string
	key       string // the same for the same place
}

func (p redisPlace) place() string {
	if p.master != "" {
		return p.master + " (" + strings.Join(p.sentinels, ", ") + ")"
	}
	return p.options.Addr
}

func (p redisPlace) password() checks.Secret { return checks.NewSecret(p.options.Password) }

func (r *Redis) open(where redisPlace) *redis.Client {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil && r.key == where.key {
		return r.client
	}
	if r.client != nil {
		_ = r.client.Close()
	}
	o := where.options
	o.ClientName = "" // the names of connections are the server's own affair
	o.Protocol, o.DisableIdentity = 2, true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.PoolSize, o.MaxActiveConns, o.ConnMaxIdleTime = poolSize, poolSize, idleConnection
	o.ContextTimeoutEnabled, o.MaxRetries, o.DialerRetries = true, 1, 1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = redisPatience, redisPatience, redisPatience, 2*redisPatience
	o.Dialer = bounded(&redis.Options{DialTimeout: o.DialTimeout, TLSConfig: o.TLSConfig})
	if where.master != "" {
		r.client = redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: where.master, SentinelAddrs: where.sentinels,
			Username: o.Username, Password: o.Password, DB: o.DB, Protocol: 2, DisableIdentity: true,
			PoolSize: poolSize, MaxActiveConns: poolSize, ConnMaxIdleTime: idleConnection, ContextTimeoutEnabled: true, MaxRetries: 1, DialerRetries: 1,
			DialTimeout: redisPatience, ReadTimeout: redisPatience, WriteTimeout: redisPatience, PoolTimeout: 2 * redisPatience, TLSConfig: o.TLSConfig, Dialer: o.Dialer,
		})
	} else {
		r.client = redis.NewClient(&o)
	}
	r.key = where.key
	return r.client
}

func (r *Redis) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		_ = r.client.Close()
		r.client = nil
	}
}

// where is the address that is set, or the one that what was found leads to.
func (r *Redis) where(ctx context.Context) (redisPlace, error) {
	s := r.site
	if given := cmp.Or(r.url.Reveal(), s.set.RedisURL.Reveal()); given != "" {
		return redisTarget(given)
	}
	settings := s.Find(ctx).Settings
	where, err := redisTarget(foundRedis(settings, r.jobs))
	if err != nil {
		return redisPlace{}, &checks.NotSetUp{Setting: "[server] " + r.setting}
	}
	if s.set.Peek {
		prefixes := []string{""}
		if r.jobs && hasPrefixed(settings, "SIDEKIQ_") {
			prefixes = []string{"SIDEKIQ_"}
		}
		where.options.CredentialsProviderContext = func(ctx context.Context) (name, password string, err error) {
			name, password, err = s.peekRedis(ctx, prefixes[0])
			r.peeked.set(password)
			return name, password, err
		}
	}
	return where, nil
}

func hasPrefixed(settings map[string]string, prefix string) bool {
	for name := range settings {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// foundRedis is the address that Mastodon's own settings lead to, without a
// password. Sidekiq's are prefixed, and stand for the base where absent.
func foundRedis(settings map[string]string, jobs bool) string {
	prefix := ""
	if jobs && hasPrefixed(settings, "SIDEKIQ_REDIS_") {
		prefix = "SIDEKIQ_"
	}
	get := func(name string) string { return settings[prefix+name] }
	if u := get("REDIS_URL"); u != "" {
		return u
	}
	db := cmp.Or(get("REDIS_DB"), "0")
	if hosts := get("REDIS_SENTINELS"); hosts != "" {
		return "redis-sentinel://" + hosts + "/" + cmp.Or(get("REDIS_SENTINEL_MASTER"), "mymaster") + "/" + db
	}
	host := cmp.Or(get("REDIS_HOST"), "localhost")
	if strings.HasPrefix(host, "/") {
		return "unix://" + host + "?db=" + db
	}
	return "redis://" + net.JoinHostPort(host, cmp.Or(get("REDIS_PORT"), "6379")) + "/" + db
}

var errRedisAddress = errors.New("it is not an address such as redis://127.0.0.1:6379/0, rediss://…, unix:///run/redis/redis.sock?db=0 or redis-sentinel://host:26379,host:26379/master/0")

// redisTarget reads an address; its errors do not repeat it.
func redisTarget(address string) (redisPlace, error) {
	if rest, ok := strings.CutPrefix(address, "redis-sentinel://"); ok {
		return sentinelTarget(rest, address)
	}
	o, err := redis.ParseURL(address)
	if err != nil || o.Addr == "" {
		return redisPlace{}, errRedisAddress
	}
	return redisPlace{options: *o, key: address}, nil
}

func sentinelTarget(rest, key string) (redisPlace, error) {
	p := redisPlace{key: key}
	userinfo, rest, has := strings.Cut(rest, "@")
	if !has {
		userinfo, rest = "", userinfo
	} else if u, err := url.Parse("redis://" + userinfo + "@host"); err == nil {
		p.options.Username = u.User.Username()
		p.options.Password, _ = u.User.Password()
	} else {
		return redisPlace{}, errRedisAddress
	}
	parts := strings.Split(rest, "/")
	if len(parts) < 2 || parts[1] == "" {
		return redisPlace{}, errRedisAddress
	}
	for _, host := range strings.Split(parts[0], ",") {
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = net.JoinHostPort(host, "26379")
		}
		p.sentinels = append(p.sentinels, host)
	}
	p.master = parts[1]
	if len(parts) > 2 && parts[2] != "" {
		n, err := strconv.Atoi(parts[2])
		if err != nil {
			return redisPlace{}, errRedisAddress
		}
		p.options.DB = n
	}
	return p, nil
}

// peekRedis reads user and password from Mastodon's own settings, for the
// moment of connecting.
func (s *Site) peekRedis(ctx context.Context, prefix string) (name, password string, err error) {
	f := s.Find(ctx)
	for _, folder := range []string{f.Compose, f.Live} {
		if folder == "" {
			continue
		}
		file, err := s.search().open(path.Join(folder, ".env.production"))
		if err != nil {
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if errors.Is(err, os.ErrPermission) {
				continue // then without: most have no password at all
			}
			return "", "", fmt.Errorf("user and password of Redis: %w", err)
		}
		got := peekSettings(file, prefix+"REDIS_URL", prefix+"REDIS_USER", prefix+"REDIS_PASSWORD")
		_ = file.Close()
		if u, err := url.Parse(got[prefix+"REDIS_URL"]); err == nil && u.User != nil {
			word, _ := u.User.Password()
			return u.User.Username(), word, nil
		}
		return got[prefix+"REDIS_USER"], got[prefix+"REDIS_PASSWORD"], nil
	}
	return "", "", nil
}

// RedisFaultOf tells the kind of an error that came from Redis.
func RedisFaultOf(err error) Fault {
	var said redis.Error
	if err == nil || errors.Is(err, redis.Nil) {
		return NoFault
	}
	if errors.As(err, &said) {
		word, _, _ := strings.Cut(said.Error(), " ")
		switch word {
		case "NOAUTH", "WRONGPASS":
			return NotLetIn
		case "NOPERM":
			return NoGrant
		case "LOADING", "MASTERDOWN":
			return Starting
		}
		if strings.Contains(said.Error(), "max number of clients") {
			return Full
		}
		if strings.Contains(said.Error(), "without any password configured") || strings.Contains(said.Error(), "invalid password") {
			return NotLetIn
		}
		return Odd
	}
	if f := FaultOf(err); f != Odd {
		return f
	}
	switch {
	case errors.Is(err, redis.ErrPoolTimeout):
		return Silent
	case errors.Is(err, errNotRedis):
		return Foreign
	case errors.Is(err, errTooMuch):
		return TooMuch
	}
	return Odd
}

// redisUnseen turns an error into words, without the passwords that the server
// may have repeated: one that does not know a command answers with its line.
func redisUnseen(err error, place, setting string, passwords ...checks.Secret) error {
	var unseen *checks.Unseen
	var notSetUp *checks.NotSetUp
	if err == nil || errors.Is(err, redis.Nil) || errors.As(err, &unseen) || errors.As(err, &notSetUp) {
		return err
	}
	var said redis.Error
	words := ""
	if errors.As(err, &said) {
		words = checks.Quote(checks.HideAll(said.Error(), passwords...))
	}
	why, advice, known := redisWords(RedisFaultOf(err), place, words, setting)
	err = checks.Hush(err, passwords...)
	if !known && words == "" {
		return err
	}
	return &checks.Unseen{Why: why, Advice: advice, Err: err}
}
