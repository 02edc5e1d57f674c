package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"
)

// partFolder is where a part of the Mastodon of these tests finds what it
// serves: page.html, timeline.json, v1.json, v2.json, sidekiq.json, zone.
const partFolder = "/srv/part"

// partCommand is the name by which this test binary is such a part.
const partCommand = "mastodon-part"

// partMain is one process of a Mastodon: "web PORT", "streaming PORT" or
// "sidekiq"; or the DNS that it asks: "names".
func partMain() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	err := errors.New("say which part")
	switch words := os.Args[1:]; {
	case len(words) == 2 && words[0] == "web":
		err = servePart(ctx, words[1], webPart())
	case len(words) == 2 && words[0] == "streaming":
		err = servePart(ctx, words[1], streamingPart())
	case len(words) == 1 && words[0] == "sidekiq":
		err = sidekiqPart(ctx)
	case len(words) == 1 && words[0] == "names":
		err = namesPart(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func servePart(ctx context.Context, port string, h http.Handler) error {
	server := http.Server{Addr: "127.0.0.1:" + port, Handler: h, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// webPart answers as puma does: the first version of the instance API counts
// the servers that are known, in a view that has to be filled for it.
func webPart() http.Handler {
	began := time.Now()
	file := func(name, kind string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, err := os.ReadFile(filepath.Join(partFolder, name))
			if err == nil && name == "v1.json" {
				err = countServers(r.Context())
			}
			w.Header().Set("X-Runtime", strconv.FormatFloat(0.02+time.Since(began).Seconds()/1e6, 'f', 6, 64))
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(w, `{"error":"Internal Server Error"}`)
				return
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Cache-Control", "public, max-age=15, stale-while-revalidate=30, stale-if-error=86400")
			if r.Header.Get("Cookie") != "" {
				w.Header().Set("Cache-Control", "private, no-store")
			}
			_, _ = w.Write(body)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", file("page.html", "text/html; charset=utf-8"))
	mux.HandleFunc("GET /about", file("page.html", "text/html; charset=utf-8"))
	mux.HandleFunc("GET /api/v1/timelines/public", file("timeline.json", "application/json; charset=utf-8"))
	mux.HandleFunc("GET /api/v1/instance", file("v1.json", "application/json; charset=utf-8"))
	mux.HandleFunc("GET /api/v2/instance", file("v2.json", "application/json; charset=utf-8"))
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK") })
	return mux
}

func countServers(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, "host=/run/postgresql user=mastodon dbname=mastodon_production")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var n int
	return conn.QueryRow(ctx, "SELECT count(*) FROM instances").Scan(&n)
}

func streamingPart() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/streaming/health", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "OK")
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "connected_clients{type=\"websocket\"} 7\nredis_messages_received_total 21\n")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"Missing access token"}`)
	})
	return mux
}

// sidekiqPart keeps its process alive in Redis, as Sidekiq does every ten
// seconds, and takes it away at its end.
func sidekiqPart(ctx context.Context) error {
	var self struct {
		Identity string
		Fields   map[string]string
	}
	text, err := os.ReadFile(filepath.Join(partFolder, "sidekiq.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &self); err != nil {
		return err
	}
	c := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:6379", Protocol: 2, DisableIdentity: true})
	defer func() { _ = c.Close() }()
	beats := time.NewTicker(5 * time.Second)
	defer beats.Stop()
	for {
		self.Fields["beat"] = fmt.Sprintf("%.6f", float64(time.Now().UnixMicro())/1e6)
		if err := beat(c, self.Identity, self.Fields); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return end(c, self.Identity)
		case <-beats.C:
		}
	}
}

func beat(c *goredis.Client, identity string, fields map[string]string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	p := c.TxPipeline()
	p.SAdd(ctx, "processes", identity)
	p.HSet(ctx, identity, fields)
	p.Expire(ctx, identity, time.Minute)
	_, err := p.Exec(ctx)
	return err
}

func end(c *goredis.Client, identity string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	p := c.TxPipeline()
	p.SRem(ctx, "processes", identity)
	p.Del(ctx, identity, identity+":work")
	_, err := p.Exec(ctx)
	return err
}
