// Watching looks at so many servers as the check "watch" does, by the clock, and
// prints what that cost. All their names lead to public addresses of their own,
// and every connection to one server. With "bare" as the first word each is
// asked for one page by net/http alone, at the same pace.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/watch"
)

// A report is what is printed, as one line of JSON.
type report struct {
	Probes  int64   `json:"probes"` // of the rounds that count
	Failed  int64   `json:"failed"`
	CPU     float64 `json:"cpu_ms"`   // of them, user and system
	RSS     float64 `json:"rss_mb"`   // at the end
	Peak    float64 `json:"peak_mb"`  // of all the time
	Seen    float64 `json:"seen_s"`   // from a failure to the look that met it
	Told    float64 `json:"told_s"`   // from a failure to the end of the tick that tells it
	Busiest int64   `json:"busiest"`  // connections begun in one second, at most
	Period  float64 `json:"period_s"` // of one server
}

func main() {
	r, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "watching:", err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(r)
}

func run(args []string) (report, error) {
	if len(args) != 6 {
		return report{}, errors.New("ours or bare, how many, every so many minutes, how many rounds count, the server's address, the file of its authority")
	}
	var numbers [3]int
	for i := range numbers {
		n, err := strconv.Atoi(args[i+1])
		if err != nil {
			return report{}, err
		}
		numbers[i] = n
	}
	text, err := os.ReadFile(args[5])
	if err != nil {
		return report{}, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return report{}, errors.New("there is no certificate in that file")
	}
	w := &wire{server: args[4], began: time.Now()}
	names := make([]string, numbers[0])
	for i := range names {
		names[i] = "s" + strconv.Itoa(i) + "." + args[0] + strconv.Itoa(numbers[0]) + ".example"
	}
	period := time.Duration(numbers[1]-1) * time.Minute
	if args[0] == "bare" {
		return bare(w, names, period, numbers[2], roots)
	}
	return ours(w, names, numbers[1], period, numbers[2], roots)
}

// list is a table of the configuration.
type list struct {
	names []string
	every int
}

func (l list) Decode(into any) error {
	c, ok := into.(*watch.Config)
	if !ok {
		return errors.New("not the table of this check")
	}
	c.Every = checks.Duration(time.Duration(l.every) * time.Minute)
	for _, n := range l.names {
		c.Domains = append(c.Domains, watch.Domain{Name: n})
	}
	return nil
}

// past keeps what is remembered.
type past struct {
	checks.NoPast
	kept map[string][]byte
}

func (p *past) Load(key string) ([]byte, bool) { v, ok := p.kept[key]; return v, ok }

func ours(w *wire, names []string, every int, period time.Duration, rounds int, roots *x509.CertPool) (report, error) {
	kind := watch.Kind(&site.Site{Domain: "masto.example", Roots: roots}, watch.WithNetwork(w))
	check, err := kind.New(list{names, every})
	if err != nil {
		return report{}, err
	}
	p := &past{kept: map[string][]byte{}}
	ticks := int(period / time.Minute)
	var r report
	var before float64
	began := time.Now()
	for k := range ticks * (1 + rounds) {
		time.Sleep(time.Until(began.Add(time.Duration(k) * time.Minute)))
		if k == ticks { // the round that warmed up is over
			before = used()
			w.begun.Store(0)
		}
		if k == ticks && rounds > 1 {
			w.failAfter(names[len(names)/2], 25*time.Second) // its turn has just been: it is seen in the next round
		}
		result, done := checks.LookOnce(context.Background(), kind, check, p, checks.How{})
		<-done
		if result.Err != nil {
			return r, result.Err
		}
		for key, v := range result.Remember {
			p.kept[key] = v
		}
		for _, m := range result.Measures {
			if m.Name == "servers_answering" && w.failing() && int(m.Value) < len(names) && r.Told == 0 {
				r.Told = time.Since(w.failed()).Seconds()
			}
			if m.Name == "servers_answering" { // the last word counts
				r.Failed = int64(len(names)) - int64(m.Value)
			}
		}
	}
	time.Sleep(time.Until(began.Add(time.Duration(ticks*(1+rounds)) * time.Minute)))
	r.CPU, r.Probes, r.Period = used()-before, w.begun.Load(), period.Seconds()
	r.Seen, r.Busiest = w.seen(), w.most()
	if r.Told > 0 {
		r.Failed-- // the one that was made to fail
	}
	r.RSS, r.Peak = resident()
	return r, nil
}

// bare asks each name for its page, evenly over the period.
func bare(w *wire, names []string, period time.Duration, rounds int, roots *x509.CertPool) (report, error) {
	client := http.Client{Timeout: 12 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return w.DialContext(ctx, network, "5.0.0.1:443")
		},
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, ForceAttemptHTTP2: true,
	}}
	var r report
	var failed atomic.Int64
	var before float64
	began := time.Now()
	gap := period / time.Duration(len(names))
	var all sync.WaitGroup
	for k := range 1 + rounds {
		if k == 1 {
			before = used()
			w.begun.Store(0)
		}
		for i, name := range names {
			time.Sleep(time.Until(began.Add(time.Duration(k)*period + time.Duration(i)*gap)))
			all.Go(func() {
				resp, err := client.Get("https://" + name + "/")
				if err != nil {
					failed.Add(1)
					return
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
					failed.Add(1)
				}
				_ = resp.Body.Close()
			})
		}
	}
	time.Sleep(time.Until(began.Add(time.Duration(1+rounds) * period)))
	all.Wait()
	r.CPU, r.Probes, r.Failed, r.Period = used()-before, w.begun.Load(), failed.Load(), period.Seconds()
	r.RSS, r.Peak = resident()
	return r, nil
}

// A wire leads everybody to one server, by an address of its own.
type wire struct {
	server string
	began  time.Time
	begun  atomic.Int64

	mu     sync.Mutex
	second map[int64]int64
	ill    netip.Addr // connections there are refused from since on
	since  time.Time
	met    time.Time
}

func (w *wire) Lookup(_ context.Context, host string) ([]netip.Addr, time.Duration, error) {
	a, err := addressOf(host)
	return []netip.Addr{a}, time.Minute, err
}

func addressOf(host string) (netip.Addr, error) {
	var i int
	if _, err := fmt.Sscanf(host, "s%d.", &i); err != nil {
		return netip.Addr{}, err
	}
	return netip.AddrFrom4([4]byte{5, byte(i / 256), byte(i), 1}), nil
}

func (w *wire) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	w.begun.Add(1)
	now := time.Now()
	w.mu.Lock()
	if w.second == nil {
		w.second = map[int64]int64{}
	}
	w.second[int64(now.Sub(w.began)/time.Second)]++
	ill := w.ill.IsValid() && strings.HasPrefix(address, w.ill.String()+":") && now.After(w.since)
	if ill && w.met.IsZero() {
		w.met = now
	}
	w.mu.Unlock()
	if ill {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	var d net.Dialer
	return d.DialContext(ctx, network, w.server)
}

func (w *wire) failAfter(host string, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ill, _ = addressOf(host)
	w.since = time.Now().Add(d)
}

func (w *wire) failing() bool { t := w.failed(); return !t.IsZero() && time.Now().After(t) }

func (w *wire) failed() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.since
}

func (w *wire) seen() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.met.IsZero() {
		return 0
	}
	return w.met.Sub(w.since).Seconds()
}

func (w *wire) most() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	most := int64(0)
	for _, n := range w.second {
		most = max(most, n)
	}
	return most
}

// used is this process's time on the processor, in milliseconds.
func used() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

// resident is this process's memory, now and at most, in MB.
func resident() (now, peak float64) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) == 3 {
			kb, _ := strconv.ParseFloat(words[1], 64)
			switch words[0] {
			case "VmRSS:":
				now = kb / 1024
			case "VmHWM:":
				peak = kb / 1024
			}
		}
	}
	return now, peak
}
