package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// measuring is a kind that takes a measure whose subject is hostile.
func measuring(*site.Site) []checks.Kind {
	return []checks.Kind{{
		Name: "disk", Title: checks.Same("disk"), Cron: "* * * * *", Timeout: time.Second,
		New: func(checks.Table) (checks.Check, error) { return measuringCheck{}, nil },
	}}
}

type measuringCheck struct{}

func (measuringCheck) Look(context.Context, checks.Past) (checks.Observation, error) {
	return checks.Observation{
		Summary: checks.Same("disk: 71 % used"),
		Measures: []checks.Measure{
			{Name: "used_ratio", Subject: "/", Unit: checks.Ratio, Value: 0.71},
			{Name: "available_bytes", Subject: "/srv/a\"b\\c\nd", Unit: checks.Bytes, Value: 7.2e9},
		},
	}, nil
}

func TestPrometheusReadsTheNumbers(t *testing.T) {
	s := newServiceQuietly(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	_ = ln.Close()
	s.configure("[metrics]\nlisten = '" + address + "'\n")
	s.startWith(measuring)

	read := func(host string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, ""
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	var text string
	s.eventually("the measure is shown", func() bool {
		_, text = read("")
		return strings.Contains(text, "sababan_disk_used_ratio")
	})
	parser := expfmt.NewTextParser(model.UTF8Validation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(text)); err != nil {
		t.Errorf("not Prometheus' format: %v\n%s", err, text)
	}
	for _, want := range []string{
		`(?m)^sababan_disk_used_ratio\{subject="/"\} 0\.71$`,
		`(?m)^sababan_disk_available_bytes\{subject="/srv/a.*"\} 7\.2e\+09$`,
		`(?m)^sababan_check_severity\{check="disk"\} 0$`,
		`(?m)^sababan_check_age_seconds\{check="disk"\} `,
		`(?m)^sababan_posts_waiting\{channel="`,
		`(?m)^sababan_api_remaining\{bucket="`,
		`(?m)^process_resident_memory_bytes `,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if code, _ := read("rebound.example"); code != http.StatusMisdirectedRequest {
		t.Errorf("a page that calls this machine by another name gets %d", code)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func TestAMeasuresNameIsOneOfPrometheus(t *testing.T) {
	for measure, want := range map[string]string{
		"used_ratio": "sababan_disk_used_ratio", "a b": "", "": "", "UP": "", "x\ny": "", "ä": "",
	} {
		if got := metricName("disk", measure); got != want {
			t.Errorf("%q: %q, want %q", measure, got, want)
		}
	}
}
