package chart

import (
	"image/color"
	"math"

	"github.com/sababan/sababan/checks"
)

func noData() checks.Text { return checks.Text{En: "nothing measured", Ja: "記録がありません"} }

// head writes the title, and below it (beside it in a small picture) the numbers
// that matter; these are also what the colours mean. It returns where the area
// of the curve may begin.
func (d *plot) head(frame box) float64 {
	title := oneLine(d.page.Reader.Write(d.Title.In(d.lang())))
	left, width := frame.left+margin, frame.width()-2*margin
	base := frame.top + 20 + d.title.size*0.9
	if frame.height() < pictureHeight {
		parts := d.parts(width * 0.62)
		used := partsWidth(parts)
		d.canvas.text(d.title.fit(title, width-used-partGap), d.title, point{left, base}, d.ink)
		d.write(parts, point{frame.right - margin - used, base})
		return base + 38
	}
	d.canvas.text(d.title.fit(title, width), d.title, point{left, base}, d.ink)
	base += d.text.size * 1.5
	d.write(d.parts(width), point{left, base})
	return base + 44
}

// A part is one of the numbers of the head, and the sign before it.
type part struct {
	text  string
	width float64
	sign  sign
}

type sign int

const (
	none sign = iota
	lineSign
	bandSign
)

const signWidth, partGap = 58, 36

// parts are the numbers that fit a width, the most important first.
func (d *plot) parts(width float64) (list []part) {
	add := func(t checks.Text, s sign) bool {
		p := part{text: d.page.Reader.Write(t.In(d.lang())), sign: s}
		p.width = d.text.width(p.text)
		if s != none {
			p.width += signWidth
		}
		if t.Empty() || partsWidth(list)+partGap+p.width > width {
			return false
		}
		list = append(list, p)
		return true
	}
	if len(d.samples) == 0 {
		add(d.usual(), bandSign)
		return list
	}
	add(d.key(), lineSign)
	add(d.usual(), bandSign)
	if d.lowest.Value < d.highest.Value {
		low, high := d.value(d.lowest.Value), d.value(d.highest.Value)
		_ = add(checks.Text{En: "low " + low.En + ", high " + high.En, Ja: "最低" + low.Ja + " 最高" + high.Ja}, none) ||
			add(checks.Text{En: "high " + high.En, Ja: "最高" + high.Ja}, none)
	}
	return list
}

func partsWidth(list []part) float64 {
	sum := 0.0
	for i, p := range list {
		if i > 0 {
			sum += partGap
		}
		sum += p.width
	}
	return sum
}

func (d *plot) write(list []part, at point) {
	for i, p := range list {
		x := at.x
		with := d.muted
		if i == 0 {
			with = d.ink
		}
		middle := at.y - d.text.size*0.34
		switch p.sign {
		case lineSign:
			d.stroke([][]point{{{x + 4, middle}, {x + 40, middle}}}, lineWidth, d.line)
			d.fill([][]point{disc(point{x + 22, middle}, 11)}, d.line)
			x += signWidth
		case bandSign:
			d.rect(box{x, middle - 14, x + 44, middle + 14}, d.palette.band)
			d.rect(box{x, middle - 15, x + 44, middle - 12.5}, d.palette.rim)
			d.rect(box{x, middle + 12.5, x + 44, middle + 15}, d.palette.rim)
			x += signWidth
		}
		d.canvas.text(p.text, d.text, point{x, at.y}, with)
		at.x += p.width + partGap
	}
}

// labels names the thresholds: those in the picture beside their line, where
// they hide least of the curve, the others at the edge beyond which they are.
func (d *plot) labels() {
	for _, t := range d.Thresholds {
		v := d.value(t.Value)
		s := checks.Text{En: t.Label.En + " " + v.En, Ja: t.Label.Ja + " " + v.Ja}.In(d.lang())
		with := d.threshold(t.Severity)
		switch {
		case d.shown(t):
			d.beside(s, d.y(t.Value), with)
		case t.Value > d.scale.high:
			d.beyond(s, d.area.top-d.text.size*0.4, -1, with)
		default:
			d.beyond(s, d.area.bottom-d.text.size*0.4, 1, with)
		}
	}
}

// crowned tells whether there is something to write over the area of the curve.
func (f *figure) crowned(s scale) bool {
	for _, t := range f.Thresholds {
		if t.Value > s.high {
			return true
		}
	}
	return s.cut
}

// arrowRoom is what an arrow takes before its label.
const arrowRoom = 36

// beyond writes a label with an arrow before it where it hides least; what would
// hide another label is left to the words beside the picture.
func (d *plot) beyond(s string, base, way float64, with color.Color) {
	w := d.text.width(s)
	best, least := point{}, float64(labelHidden)
	for x := d.area.left + 8; x+arrowRoom+w <= d.area.right; x += 20 {
		b := d.around(point{x, base}, arrowRoom+w)
		b.left, b.right = b.left-10, b.right+10
		if hides := d.hides(b); hides < least {
			best, least = point{x, base}, hides
		}
	}
	if least < labelHidden {
		d.arrow(point{best.x + 13, best.y - d.text.size*0.34}, way, with)
		d.label(s, point{best.x + arrowRoom, best.y}, with)
	}
}

// beside writes a label over or under a line, where it hides least.
func (d *plot) beside(s string, y float64, with color.Color) {
	w, h := d.text.width(s), d.text.size
	var best point
	least := math.Inf(1)
	for _, base := range []float64{y - h*0.3, y + h*0.95} {
		if b := d.around(point{0, base}, w); b.top < d.area.top-20 || b.bottom > d.area.bottom+4 {
			continue
		}
		for x := d.area.left + 14; x+w <= d.area.right-30; x += 40 {
			b := d.around(point{x, base}, w)
			if hides := d.hides(b); hides < least {
				best, least = point{x, base}, hides
			}
		}
	}
	if !math.IsInf(least, 1) {
		d.label(s, best, with)
	}
}

func (d *plot) around(at point, width float64) box {
	return box{at.x - 8, at.y - d.text.size*0.85, at.x + width + 8, at.y + d.text.size*0.25}
}

// labelHidden is worse than any part of a curve.
const labelHidden = 100_000

// hides tells how much of the curve and of other labels a box would cover.
func (d *plot) hides(b box) float64 {
	sum := 0.0
	for _, run := range d.runs {
		for _, p := range run {
			x := d.x(checks.Sample{At: p.at})
			if b.meets(box{x - 4, d.y(p.high) - 4, x + 4, d.y(p.low) + 4}) {
				sum++
			}
		}
	}
	for _, t := range d.taken {
		if b.meets(t) {
			sum += labelHidden
		}
	}
	return sum
}

// label writes letters that can be read over the curve.
func (d *plot) label(s string, at point, with color.Color) {
	d.taken = append(d.taken, d.around(at, d.text.width(s)))
	d.outlined(s, d.text, at, with, d.ground)
}
