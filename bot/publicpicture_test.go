package bot

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/chart"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

// answered is a week of page times as they are on a healthy server, but for an
// evening in which it was down, a night in which nobody watched, and one answer
// that took very long.
func answered() PublicWeek {
	zone := time.FixedZone("Asia/Tokyo", 9*60*60)
	w := calm().down(3*time.Hour, 3*24*time.Hour)
	w.From, w.To = w.From.In(zone), w.To.In(zone)
	noise := rand.New(rand.NewPCG(1, 2))
	ofDay := func(at time.Time) float64 {
		at = at.In(zone)
		return 0.084 * (1 - 0.2*math.Cos(2*math.Pi*(float64(at.Hour())+float64(at.Minute())/60-4)/24))
	}
	for at := w.From; at.Before(w.To); at = at.Add(5 * time.Minute) {
		lost := at.After(w.From.Add(30*time.Hour)) && at.Before(w.From.Add(39*time.Hour))
		down := at.After(w.Interruptions[0].From) && at.Before(w.Interruptions[0].To)
		if value := ofDay(at) * math.Exp(0.12*noise.NormFloat64()); !lost && !down {
			w.Answers = append(w.Answers, checks.Sample{At: at, Value: value})
		}
	}
	w.Answers[1200].Value = 9.4
	for i, n := range []float64{4655, 4702, 4688, 4751, 4720, 4790, 4812} {
		w.Heard = append(w.Heard, checks.Sample{At: w.To.Add(time.Duration(i-6)*24*time.Hour - 25*time.Minute), Value: n})
	}
	for at := w.From.Truncate(time.Hour); at.Before(w.To); at = at.Add(time.Hour) {
		mid := ofDay(at)
		w.Band, w.BandFrom = append(w.Band, checks.Band{Low: 0.82 * mid, Mid: mid, High: 1.2 * mid, Days: 50}), append(w.BandFrom, at)
	}
	return w
}

func TestTheWeeklyPictureIsTheOneThatWasLookedAt(t *testing.T) {
	// Every Debian has the same one.
	font, err := chart.OpenJapanese("/usr/share/fonts/opentype/ipafont-gothic/ipagp.ttf")
	if err != nil {
		t.Fatalf("%v: sudo apt-get install fonts-ipafont-gothic", err)
	}
	defer font.Close()
	for name, langs := range map[string][]checks.Lang{"en": {checks.English}, "ja": {checks.Japanese, checks.English}} {
		got, alt, err := publicPicture(answered(), langs, font)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(strings.Split(alt, "\n")); n != 2*len(langs) || len([]rune(alt)) > 1500 {
			t.Errorf("%d lines: %s", n, alt)
		}
		file := filepath.Join("testdata", "summary."+name+".png")
		if checkstest.Updating() {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// Processors round differently in the last place.
		if off := differing(t, got, want); off > 60 {
			t.Errorf("%s: %d pixels differ; look at it, then go test ./bot -update", name, off)
		}
		t.Log(alt)
	}
}

func differing(t *testing.T, a, b []byte) (n int) {
	t.Helper()
	var pictures [2]*image.RGBA
	for i, data := range [][]byte{a, b} {
		m, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		pictures[i] = m.(*image.RGBA)
	}
	if pictures[0].Bounds() != pictures[1].Bounds() {
		return math.MaxInt
	}
	for i, p := range pictures[0].Pix {
		if q := pictures[1].Pix[i]; max(p, q)-min(p, q) > 32 {
			n++
		}
	}
	return n
}
