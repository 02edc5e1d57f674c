package site

import "context"

// Found is what was found, or set, of the installation on this machine. What is
// not known is "" or nil. It holds names, hosts and folders, and no secret.
type Found struct {
	// Live is the folder of Mastodon's code: "/home/mastodon/live".
	Live string
	// User is the account that Mastodon runs as: "mastodon".
	User string
	// Compose is the folder of docker-compose.yml where Mastodon runs in
	// containers; "" where it runs bare.
	Compose string
	// Settings are names of .env.production with their values: LOCAL_DOMAIN,
	// WEB_DOMAIN, DB_HOST, DB_PORT, DB_NAME, DB_USER, REDIS_HOST, REDIS_PORT,
	// SMTP_SERVER, SMTP_PORT, SMTP_FROM_ADDRESS, S3_ENABLED, S3_BUCKET,
	// S3_HOSTNAME, S3_ALIAS_HOST, ES_ENABLED, ES_HOST, ES_PORT, STREAMING_*;
	// never a password, key or token.
	Settings map[string]string
	// PostgresData are data directories: "/var/lib/postgresql/15/main".
	PostgresData []string
	// RedisData are folders that Redis writes to.
	RedisData []string
	// WebServer is "nginx", "caddy" or "apache2".
	WebServer string
	// Streaming are the ports of the streaming processes.
	Streaming []int
	// Hidden are the places that may hold more but could not be read, each with
	// the reason: they are told, never taken for empty.
	Hidden []Hidden
	// Origins tells for each field how it came to be known: "Live" → "set in
	// [server] live", "found by mastodon-web.service".
	Origins map[string]string
}

// Hidden is a place that could not be read.
type Hidden struct {
	Path string
	Err  error
}

// Find finds out what is on this machine, once, and keeps it for a while; it is
// cheap to call at each look. What was set wins over what is found.
func (s *Site) Find(ctx context.Context) Found {
	return Found{}
}
