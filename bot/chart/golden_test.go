package chart_test

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sababan/sababan/bot/chart"
	"github.com/sababan/sababan/checks"
)

var update = flag.Bool("update", false, "write the golden files anew; look at each of them before it is kept")

// scene is one picture that was looked at.
type scene struct {
	name   string
	charts []chart.Chart
	lang   checks.Lang
	dark   bool
}

func scenes() []scene {
	const en, ja = checks.English, checks.Japanese
	return []scene{
		{"disk", []chart.Chart{disk()}, en, false},
		{"disk", []chart.Chart{disk()}, ja, true},
		{"week", []chart.Chart{summary(), heard()}, en, false},
		{"week", []chart.Chart{summary(), heard()}, ja, true},
		{"year", []chart.Chart{year()}, en, true},
		{"year", []chart.Chart{year()}, ja, false},
		{"gaps", []chart.Chart{gappy()}, en, false},
		{"outage", []chart.Chart{outage()}, ja, false},
		{"spike", []chart.Chart{spiked()}, ja, true},
		{"young", []chart.Chart{young()}, ja, false},
		{"lone", []chart.Chart{lone()}, en, false},
		{"flat", []chart.Chart{flat()}, ja, true},
		{"negative", []chart.Chart{clock()}, en, true},
		{"zero", []chart.Chart{idle()}, en, false},
		{"nothing", []chart.Chart{nothing()}, ja, true},
		{"wordy", []chart.Chart{wordy()}, en, false},
		{"wordy", []chart.Chart{wordy()}, ja, true},
	}
}

func (s scene) file() string {
	shade := "light"
	if s.dark {
		shade = "dark"
	}
	return filepath.Join("testdata", s.name+"."+string(s.lang)+"."+shade+".png")
}

// ipa is the font of the golden pictures: every Debian has the same one.
const ipa = "/usr/share/fonts/opentype/ipafont-gothic/ipagp.ttf"

func japanese(t *testing.T) *chart.Font {
	t.Helper()
	f, err := chart.OpenJapanese(ipa)
	if err != nil {
		t.Fatalf("%v: sudo apt-get install fonts-ipafont-gothic", err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func (s scene) page(font *chart.Font) chart.Page {
	p := chart.Page{Reader: checks.Reader{Lang: s.lang, Zone: tokyo, Now: end}, Dark: s.dark}
	if s.lang == checks.Japanese {
		p.Japanese = font
	}
	return p
}

func TestThePicturesAreThoseThatWereLookedAt(t *testing.T) {
	font := japanese(t)
	for _, s := range scenes() {
		t.Run(filepath.Base(s.file()), func(t *testing.T) {
			t.Parallel()
			got, err := s.page(font).Draw(s.charts...)
			if err != nil {
				t.Fatal(err)
			}
			if got.Lang != s.lang {
				t.Errorf("the letters are in %q", got.Lang)
			}
			if *update {
				if err := os.WriteFile(s.file(), got.PNG, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			rimless(t, got.PNG)
			want, err := os.ReadFile(s.file())
			if err != nil {
				t.Fatal(err)
			}
			if off := differ(t, got.PNG, want); off > offAtMost {
				t.Errorf("%d pixels differ; look at it, then go test ./bot/chart -update", off)
			}
		})
	}
}

// Processors round differently in the last place, and a pixel on the rim of a
// letter may be a shade darker or lighter. A pixel differs where a colour is off
// by more than an eighth; a single letter has hundreds of them.
const offAtMost, offBy = 60, 32

func differ(t *testing.T, a, b []byte) (n int) {
	t.Helper()
	one, other := decode(t, a), decode(t, b)
	if one.Bounds() != other.Bounds() {
		t.Fatalf("%v and %v", one.Bounds(), other.Bounds())
	}
	if bytes.Equal(one.Pix, other.Pix) {
		return 0
	}
	apart := func(a, b uint8) bool { return max(a, b)-min(a, b) > offBy }
	for i := 0; i < len(one.Pix); i += 4 {
		if apart(one.Pix[i], other.Pix[i]) || apart(one.Pix[i+1], other.Pix[i+1]) || apart(one.Pix[i+2], other.Pix[i+2]) {
			n++
		}
	}
	return n
}

// rimless sees to it that nothing reaches the rim of a picture, where it would
// be cut, and that the picture has its size.
func rimless(t *testing.T, data []byte) {
	t.Helper()
	const rim = 8
	m := decode(t, data)
	size := m.Bounds().Size()
	if size != image.Pt(1280, 720) {
		t.Errorf("the picture has %v pixels", size)
	}
	row := bytes.Repeat(m.Pix[:4], size.X)
	for y := range size.Y {
		line := m.Pix[y*m.Stride : y*m.Stride+4*size.X]
		if y < rim || y >= size.Y-rim {
			if !bytes.Equal(line, row) {
				t.Fatalf("something reaches the rim in line %d", y)
			}
			continue
		}
		if !bytes.Equal(line[:4*rim], row[:4*rim]) || !bytes.Equal(line[4*(size.X-rim):], row[:4*rim]) {
			t.Fatalf("something reaches the rim at the side in line %d", y)
		}
	}
}

func decode(t *testing.T, data []byte) *image.RGBA {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	picture, ok := m.(*image.RGBA)
	if !ok {
		t.Fatalf("the picture is not opaque: %T", m)
	}
	return picture
}

func TestAMissingLetterIsADifference(t *testing.T) {
	p := scene{lang: checks.English}.page(nil)
	c := idle()
	a, err := p.Draw(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Title.En = strings.Replace(c.Title.En, ":", "", 1)
	b, err := p.Draw(c)
	if err != nil {
		t.Fatal(err)
	}
	if n := differ(t, a.PNG, b.PNG); n <= offAtMost {
		t.Errorf("only %d pixels differ", n)
	}
}

func TestTheWordsBesideThePicturesAreThoseThatWereRead(t *testing.T) {
	var all strings.Builder
	seen := map[string]bool{}
	for _, s := range scenes() {
		if seen[s.name] {
			continue
		}
		seen[s.name] = true
		fmt.Fprintf(&all, "== %s\n", s.name)
		for _, lang := range []checks.Lang{checks.English, checks.Japanese} {
			text := chart.Alt(s.charts...).Read(checks.Reader{Lang: lang, Zone: tokyo, Now: end})
			fmt.Fprintln(&all, text)
			// What Mastodon takes as a description.
			if n := len([]rune(text)); n > 1500 {
				t.Errorf("%s %s: %d characters", s.name, lang, n)
			}
		}
	}
	file := filepath.Join("testdata", "alt.golden")
	if *update {
		if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if all.String() != string(want) {
		t.Errorf("the words changed; read them, then go test ./bot/chart -update:\n%s", all.String())
	}
}
