package chart_test

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/chart"
	"github.com/sababan/sababan/checks"
)

func TestWithoutAJapaneseFontThePictureIsInEnglishAndTheWordsAreNot(t *testing.T) {
	p := chart.Page{Reader: checks.Reader{Lang: checks.Japanese, Zone: tokyo, Now: end}}
	got, err := p.Draw(disk())
	if err != nil {
		t.Fatal(err)
	}
	if got.Lang != checks.English {
		t.Errorf("the letters are in %q", got.Lang)
	}
	if want := chart.Alt(disk()).Read(p.Reader); got.Alt != want {
		t.Errorf("beside it stands %q", got.Alt)
	}
	p.Reader.Lang = checks.English
	english, err := p.Draw(disk())
	if err != nil {
		t.Fatal(err)
	}
	if n := differ(t, got.PNG, english.PNG); n > 0 {
		t.Errorf("it is another picture than the English one, by %d pixels", n)
	}
}

func TestWhatCannotBeDrawnIsRefused(t *testing.T) {
	p := chart.Page{Reader: checks.Reader{Now: end}}
	back, long := disk(), disk()
	back.From, back.To = back.To, back.From
	long.From = end.AddDate(-11, 0, 0)
	for name, charts := range map[string][]chart.Chart{
		"no chart": nil, "three charts": {disk(), disk(), disk()},
		"a span that ends before it begins": {back}, "eleven years": {long}, "no span": {{}},
	} {
		if _, err := p.Draw(charts...); err == nil {
			t.Errorf("%s was drawn", name)
		}
	}
}

func TestAnyNumbersCanBeDrawn(t *testing.T) {
	noise := rand.New(rand.NewPCG(3, 4))
	odd := []float64{0, 1, -1, 1e-320, 1e300, -1e300, math.NaN(), math.Inf(1), math.Inf(-1), 0.999999, 1e-7, 1e15}
	number := func() float64 {
		if noise.IntN(4) == 0 {
			return odd[noise.IntN(len(odd))]
		}
		return noise.NormFloat64() * math.Pow(10, float64(noise.IntN(24)-8))
	}
	for round := range 20 {
		c := chart.Chart{
			Title: checks.Same("any"), Unit: []string{checks.Bytes, checks.Seconds, checks.Ratio, checks.Count, "furlongs"}[noise.IntN(5)],
			From: end.Add(-time.Duration(1 + noise.Int64N(int64(500*day)))), To: end, Over: noise.IntN(2) == 0,
		}
		for range noise.IntN(60) {
			c.Samples = append(c.Samples, checks.Sample{At: c.From.Add(time.Duration(noise.Int64N(int64(c.To.Sub(c.From) + hour)))), Value: number()})
		}
		for range noise.IntN(3) {
			c.Normal = append(c.Normal, chart.Usual{From: c.From.Add(time.Duration(noise.Int64N(int64(day)))), Band: checks.Band{Low: number(), High: number()}})
			c.Thresholds = append(c.Thresholds, chart.Threshold{Label: checks.Same("limit"), Value: number(), Below: noise.IntN(2) == 0})
		}
		charts := []chart.Chart{c, c}[:1+noise.IntN(2)]
		p := chart.Page{Reader: checks.Reader{Lang: checks.English, Zone: tokyo, Now: end}, Dark: noise.IntN(2) == 0}
		if _, err := p.Draw(charts...); err != nil {
			t.Fatalf("round %d: %v\n%+v", round, err, c)
		}
	}
}

func TestAFontIsOneWithJapaneseLetters(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "font.ttf")
	if err := os.WriteFile(text, []byte("this is no font"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, dir, filepath.Join(dir, "none.ttf")} {
		if f, err := chart.OpenJapanese(path); err == nil {
			t.Errorf("%s was taken for a font", path)
			_ = f.Close()
		}
	}
	japanese(t)
	f := chart.FindJapanese()
	if f == nil {
		t.Error("none is found, though one is there")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := (*chart.Font)(nil).Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkDraw400Days(b *testing.B) {
	c := year()
	p := chart.Page{Reader: checks.Reader{Lang: checks.English, Zone: tokyo, Now: end}}
	for b.Loop() {
		if _, err := p.Draw(c); err != nil {
			b.Fatal(err)
		}
	}
}
