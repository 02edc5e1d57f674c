package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/mastodon"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
)

const (
	// mostMeasures bounds the measures of one check that are shown (own).
	mostMeasures = 500
	// scrapePatience bounds one reading (Prometheus gives ten seconds).
	scrapePatience = 8 * time.Second
	// scrapesAtOnce is how many readings go on at the same time (own).
	scrapesAtOnce = 2
)

// A collector reads the numbers anew at each scrape.
type collector struct {
	ctx      context.Context
	schedule *schedule.Schedule
	health   func() bot.Health
	home     func() mastodon.Health
	log      *slog.Logger

	severity, age, took, delivered, waiting, failing, remaining, limit *prometheus.Desc
}

func newCollector(ctx context.Context, d *daemon, home *mastodon.Mastodon, log *slog.Logger) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sababan_"+name, help, labels, nil)
	}
	return &collector{
		ctx: ctx, schedule: d.schedule, health: d.bot.Health, home: home.Health, log: log,
		severity:  desc("check_severity", "How a check stands: 0 ok, 1 unknown, 2 warning, 3 critical.", "check"),
		age:       desc("check_age_seconds", "Time since a check looked last.", "check"),
		took:      desc("check_duration_seconds", "How long its last look took.", "check"),
		delivered: desc("delivered_timestamp_seconds", "When a message last got through.", "channel"),
		waiting:   desc("posts_waiting", "Messages that wait to be delivered.", "channel"),
		failing:   desc("delivery_failing", "1 while the last attempt did not get through.", "channel"),
		remaining: desc("api_remaining", "Requests left of a limit of the bot's server.", "bucket"),
		limit:     desc("api_limit", "Requests that a limit of the bot's server allows.", "bucket"),
	}
}

// Describe tells nothing: which measures there are is known when they are taken.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads the state, within [scrapePatience].
func (c *collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(c.ctx, scrapePatience)
	defer cancel()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	h := c.health()
	gauge(c.waiting, float64(h.Waiting), h.Channel)
	failing := 0.0
	if h.Problem != "" {
		failing = 1
	}
	gauge(c.failing, failing, h.Channel)
	if !h.Delivered.IsZero() {
		gauge(c.delivered, float64(h.Delivered.UnixMilli())/1000, h.Channel)
	}
	for bucket, budget := range c.home().Budgets {
		gauge(c.remaining, float64(budget.Remaining), string(bucket))
		gauge(c.limit, float64(budget.Limit), string(bucket))
	}
	views, err := c.schedule.Views(ctx)
	if err != nil {
		c.log.Warn("metrics: the checks could not be read", "err", err)
		return
	}
	for _, v := range views {
		if v.Looked {
			gauge(c.severity, float64(v.Severity), v.Kind.Name)
			gauge(c.age, time.Since(v.Started).Seconds(), v.Kind.Name)
			gauge(c.took, v.Took.Seconds(), v.Kind.Name)
		}
		c.measures(ctx, v.Kind, out)
	}
}

// measures are the last of one check: sababan_disk_available_bytes{subject="/"}.
func (c *collector) measures(ctx context.Context, k checks.Kind, out chan<- prometheus.Metric) {
	numbers, err := c.schedule.Latest(ctx, k.Name, mostMeasures)
	if err != nil {
		c.log.Warn("metrics: the measures could not be read", "check", k.Name, "err", err)
		return
	}
	descs := map[string]*prometheus.Desc{}
	for _, n := range numbers {
		name := metricName(k.Name, n.Name)
		if name == "" {
			continue
		}
		if descs[name] == nil {
			descs[name] = prometheus.NewDesc(name, "Measure of the check "+k.Name+".", []string{"subject"}, nil)
		}
		m, err := prometheus.NewConstMetric(descs[name], prometheus.GaugeValue, n.Last.Value, strings.ToValidUTF8(n.Subject, "?"))
		if err == nil {
			out <- m // without its time: Prometheus forgets what is older than five minutes
		}
	}
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// metricName is the name of a measure in Prometheus; "" where it cannot be one.
func metricName(check, measure string) string {
	if !nameForm.MatchString(check) || !nameForm.MatchString(measure) {
		return ""
	}
	return "sababan_" + check + "_" + measure
}

// metricsHandler serves /metrics to this machine, and nothing else.
func metricsHandler(c prometheus.Collector) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	for _, one := range []prometheus.Collector{c, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := registry.Register(one); err != nil {
			return nil, err
		}
	}
	serve := promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesAtOnce, Timeout: scrapePatience + time.Second})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		// A stranger's page in a browser of this machine asks under its own name.
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this answers to the names of this machine only", http.StatusMisdirectedRequest)
			return
		}
		if r.URL.Path != "/metrics" || r.Method != http.MethodGet {
			http.NotFound(w, r)
			return
		}
		serve.ServeHTTP(w, r)
	}), nil
}

// serveMetrics shows the numbers at an address until ctx ends; "" for none. That
// it cannot is told, and ends nothing.
func serveMetrics(ctx context.Context, listen string, d *daemon, home *mastodon.Mastodon, log *slog.Logger) {
	if listen == "" {
		return
	}
	handler, err := metricsHandler(newCollector(ctx, d, home, log))
	if err != nil {
		log.Error("[metrics] listen", "err", err)
		return
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		log.Error("[metrics] listen", "err", err)
		return
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 2 * scrapePatience, MaxHeaderBytes: 16 << 10}
	var ended sync.WaitGroup
	ended.Go(func() {
		<-ctx.Done()
		_ = server.Close()
	})
	log.Info("metrics are shown", "address", ln.Addr().String())
	if err := server.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
		log.Error("metrics are not shown any more", "err", err)
	}
	ended.Wait()
}
