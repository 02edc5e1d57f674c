// Package redis starts real Redis servers for tests, and writes into them what
// a healthy Sidekiq of several versions of Mastodon keeps there.
package redis
