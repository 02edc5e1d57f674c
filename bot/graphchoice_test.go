package bot

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
)

func TestWhatIsDrawnOfACheck(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	measured := func(name, subject string, value float64) schedule.Number {
		return schedule.Number{Name: name, Subject: subject, Unit: checks.Ratio, Last: checks.Sample{At: now, Value: value}}
	}
	used := checks.Graph{Measure: "used_ratio", Title: checks.Text{En: "used", Ja: "使用率"}, By: "size_bytes"}
	free := checks.Graph{Measure: "available_bytes", Title: checks.Text{En: "room left", Ja: "空き容量"}, By: "size_bytes"}
	graphs := []checks.Graph{used, free}
	series := []schedule.Number{
		measured("available_bytes", "/", 30), measured("size_bytes", "/", 100), measured("used_ratio", "/", 0.9),
		measured("available_bytes", "/boot", 1), measured("size_bytes", "/boot", 2), measured("used_ratio", "/boot", 0.95),
		measured("available_bytes", "/srv", 200), measured("size_bytes", "/srv", 400), measured("used_ratio", "/srv", 0.1),
		measured("available_bytes", "/srv/old", 200), measured("size_bytes", "/srv/old", 300), measured("used_ratio", "/srv/old", 0.2),
	}
	old := slices.Clone(series)
	for i := range old {
		old[i].Last.At = now.Add(-30 * 24 * time.Hour)
	}
	for name, c := range map[string]struct {
		graphs []checks.Graph
		series []schedule.Number
		wish   string
		drawn  string
		why    choice
	}{
		"the first graph of the two biggest":             {graphs, series, "", "used_ratio /srv, used_ratio /srv/old", mostTelling},
		"the biggest alone where the other is tiny":      {graphs, series[:6], "", "used_ratio /", mostTelling},
		"a subject by its name, exactly":                 {graphs, series, "/srv", "used_ratio /srv", asWished},
		"a subject by a part of its name":                {graphs, series, "boo", "used_ratio /boot", asWished},
		"a measure by its title":                         {graphs, series, "room left", "available_bytes /srv, available_bytes /srv/old", asWished},
		"a measure by its title in Japanese":             {graphs, series, "空き容量", "available_bytes /srv, available_bytes /srv/old", asWished},
		"a measure by its name":                          {graphs, series, "available_bytes", "available_bytes /srv, available_bytes /srv/old", asWished},
		"a measure of a subject":                         {graphs, series, "/ left", "available_bytes /", asWished},
		"a measure that no graph tells of":               {graphs, series, "size /", "size_bytes /", asWished},
		"what does not exist":                            {graphs, series, "/nowhere", "", nothingSuch},
		"Japanese words that only ask":                   {graphs, series, "見せてほしい", "used_ratio /srv, used_ratio /srv/old", mostTelling},
		"nothing yet":                                    {graphs, nil, "", "", nothingMeasured},
		"nothing of late":                                {graphs, old, "", "", nothingOfLate},
		"a kind without graphs: the first measure":       {nil, series[:3], "", "available_bytes /", mostTelling},
		"the least first where that is what matters":     {[]checks.Graph{{Measure: "used_ratio", Least: true}}, series, "", "used_ratio /srv, used_ratio /srv/old", mostTelling},
		"graphs of measures that are not there any more": {[]checks.Graph{{Measure: "gone"}}, series[:3], "", "available_bytes /", mostTelling},
	} {
		drawn, others, why := chooseGraphs(c.graphs, c.series, strings.Fields(c.wish), now.Add(-7*24*time.Hour))
		var got []string
		for _, g := range drawn {
			got = append(got, g.Name+" "+g.Subject)
			for _, o := range others {
				if o.word == g.word {
					t.Errorf("%s: %q is drawn and offered", name, o.word.En)
				}
			}
		}
		if strings.Join(got, ", ") != c.drawn || why != c.why {
			t.Errorf("%s: %q because %s; want %q because %s", name, got, why, c.drawn, c.why)
		}
	}
}

func TestWhatIsOfferedBesidesCanBeAskedFor(t *testing.T) {
	now := time.Now()
	graphs := []checks.Graph{{Measure: "used_ratio", Title: checks.Text{En: "used", Ja: "使用率"}}, {Measure: "inodes_available", Title: checks.Text{En: "inodes left", Ja: "空きinode数"}}}
	var series []schedule.Number
	for _, subject := range []string{"/", "/srv", "/var", "/home"} {
		for _, name := range []string{"used_ratio", "inodes_available"} {
			series = append(series, schedule.Number{Name: name, Subject: subject, Last: checks.Sample{At: now}})
		}
	}
	drawn, others, _ := chooseGraphs(graphs, series, nil, now.Add(-time.Hour))
	if len(drawn) != 2 || len(others) != 3 {
		t.Fatalf("drawn %d, offered %d", len(drawn), len(others))
	}
	for _, o := range others {
		for _, word := range []string{o.word.En, o.word.Ja} {
			got, _, why := chooseGraphs(graphs, series, wishOf(normal(word)), now.Add(-time.Hour))
			if why != asWished || got[0].Name != o.Name {
				t.Errorf("%q: %s, %+v", word, why, got)
			}
		}
	}
}

func TestTheSpanOfAPictureHasBounds(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		0: usualGraph, time.Minute: shortestGraph, 30 * 24 * time.Hour: 30 * 24 * time.Hour, 9999 * 24 * time.Hour: longestGraph,
	} {
		if got := graphSpan(period{For: asked}); got != want {
			t.Errorf("%v: %v, want %v", asked, got, want)
		}
	}
}

func TestLengthsOfMonthsAndYears(t *testing.T) {
	for line, want := range map[string]time.Duration{
		"2 months": 2 * aMonth, "3mo": 3 * aMonth, "a year": aYear, "1y": aYear, "3か月": 3 * aMonth, "2ヶ月間": 2 * aMonth, "1年": aYear, "30m": 30 * time.Minute, "2026年": 0,
	} {
		p, _, _, found := findPeriod(line, Admin{}, time.Now())
		if found != (want > 0) || p.For != want {
			t.Errorf("%q: %v, %v", line, p.For, found)
		}
	}
}
