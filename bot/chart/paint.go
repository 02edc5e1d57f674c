package chart

import (
	"bytes"
	"image/color"
	"image/png"
	"math"
	"slices"

	"github.com/sababan/sababan/checks"
)

// Mastodon shows a picture of this size at exactly half of it in a timeline, and
// a phone of 360 points at a bit more than a quarter: letters of 40 pixels are
// then as large as those of the post below (Mastodon 4.3 makes previews of
// 230,400 pixels).
const (
	pictureWidth, pictureHeight = 1280, 720
	margin                      = 28
	axisGap                     = 16
	lineWidth                   = 6
	wholeTitle, wholeText       = 50, 40
	smallTitle, smallText       = 42, 38
)

// A painter draws charts on one canvas.
type painter struct {
	*canvas
	palette
	page        Page
	title, text letters
}

func (p Page) paint(figures []figure) ([]byte, error) {
	fonts, err := fontsFor(p.Japanese)
	if err != nil {
		return nil, err
	}
	titleSize, textSize := float64(wholeTitle), float64(wholeText)
	if len(figures) > 1 {
		titleSize, textSize = smallTitle, smallText
	}
	d := painter{palette: paletteFor(p.Dark), page: p}
	if d.title, err = newLetters(fonts, titleSize); err != nil {
		return nil, err
	}
	if d.text, err = newLetters(fonts, textSize); err != nil {
		return nil, err
	}
	d.canvas = newCanvas(pictureWidth, pictureHeight, d.ground)
	if len(figures) == 1 {
		f := &figures[0]
		s := f.scale.settle(usualSteps)
		d.draw(f, frame{box{0, 0, pictureWidth, pictureHeight}, s, d.gutter(s), true})
	} else {
		d.both(&figures[0], &figures[1])
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.DefaultCompression}
	if err := encoder.Encode(&out, d.image); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// both draws two charts below each other. Where they are of the same time the
// days stand below the lower one only.
func (p *painter) both(upper, lower *figure) {
	above, below := upper.scale.settle(smallSteps), lower.scale.settle(smallSteps)
	gutter := max(p.gutter(above), p.gutter(below))
	same := upper.From.Equal(lower.From) && upper.To.Equal(lower.To)
	middle := float64(pictureHeight) / 2
	if same {
		middle -= p.foot() / 2
	}
	p.draw(upper, frame{box{0, 0, pictureWidth, middle}, above, gutter, !same})
	p.draw(lower, frame{box{0, middle, pictureWidth, pictureHeight}, below, gutter, true})
}

// A frame is where a chart is drawn, and on which scale.
type frame struct {
	box
	scale  scale
	gutter float64 // room for the letters of the axis on the left
	dated  bool    // with the days below
}

// gutter is the room that the letters of an axis need.
func (p *painter) gutter(s scale) float64 {
	widest := 0.0
	for _, v := range s.ticks() {
		widest = max(widest, p.text.width(s.tick(v, p.page.Reader.Lang)))
	}
	return margin + widest + axisGap
}

// foot is the room that the days need.
func (p *painter) foot() float64 { return p.text.size + 16 }

// A plot is one chart in its part of the picture.
type plot struct {
	*painter
	*figure
	frame
	scale scale // settled
	area  box   // of the curve
	runs  [][]place
	taken []box // by letters
}

// draw draws one chart into a part of the picture.
func (p *painter) draw(f *figure, in frame) {
	d := plot{painter: p, figure: f, frame: in, scale: in.scale}
	d.area = box{left: in.left + in.gutter, right: in.right - margin - 16, top: d.head(in.box), bottom: in.bottom - 16}
	if d.dated {
		d.area.bottom -= d.foot()
	}
	if len(f.samples) > 0 && f.crowned(d.scale) {
		d.area.top += p.text.size * 1.1
	}
	d.runs = f.curve(d.area.width(), p.page.Reader.Zone)
	d.band()
	d.axes()
	if len(f.samples) == 0 {
		d.empty()
		return
	}
	d.thresholds()
	d.curve()
	d.marks()
	d.labels()
}

func (d *plot) x(of checks.Sample) float64 {
	part := float64(of.At.Sub(d.From)) / float64(d.To.Sub(d.From))
	return d.area.left + part*d.area.width()
}

// y is the height of a value; what is beyond the scale is at its edge.
func (d *plot) y(v float64) float64 {
	v = min(max(v, d.scale.low), d.scale.high)
	return d.area.bottom - (v-d.scale.low)/(d.scale.high-d.scale.low)*d.area.height()
}

func (d *plot) lang() checks.Lang { return d.page.Reader.Lang }

// edges are the upper and the lower one of what was usual, broken where that is
// not known.
func (d *plot) edges() (above, below [][]point) {
	broken := true
	for i, u := range d.Normal {
		from, to := d.From, d.To
		if i > 0 && u.From.After(from) {
			from = u.From
		}
		if i+1 < len(d.Normal) && d.Normal[i+1].From.Before(to) {
			to = d.Normal[i+1].From
		}
		if !from.Before(to) {
			continue
		}
		if !finite(u.Low) || !finite(u.High) {
			broken = true
			continue
		}
		if broken {
			above, below, broken = append(above, nil), append(below, nil), false
		}
		top, bottom := d.y(u.High), d.y(u.Low)
		if thin := thinnestBand - (bottom - top); thin > 0 {
			// It would else hide behind the curve.
			top, bottom = top-thin/2, bottom+thin/2
		}
		left, right := d.x(checks.Sample{At: from}), d.x(checks.Sample{At: to})
		n := len(above) - 1
		switch {
		case right-left >= wideStep || len(d.Normal) == 1:
			above[n] = append(above[n], point{left, top}, point{right, top})
			below[n] = append(below[n], point{left, bottom}, point{right, bottom})
		default:
			// So narrow steps are none: the hours of a week.
			x := (left + right) / 2
			above[n] = append(above[n], point{x, top})
			below[n] = append(below[n], point{x, bottom})
		}
	}
	return above, below
}

const thinnestBand, wideStep = 18, 24

// band shades what was usual.
func (d *plot) band() {
	above, below := d.edges()
	var areas [][]point
	for n := range above {
		area := slices.Clone(above[n])
		for _, p := range slices.Backward(below[n]) {
			area = append(area, p)
		}
		areas = append(areas, area)
	}
	d.fill(areas, d.palette.band)
}

// rim draws the edges of what was usual, which the spread of the curve would
// else hide.
func (d *plot) rim() {
	above, below := d.edges()
	d.stroke(append(above, below...), 2.5, d.palette.rim)
}

// axes draws the lines of both axes and what stands beside them.
func (d *plot) axes() {
	lang, l := d.lang(), d.text
	for _, v := range d.scale.ticks() {
		y, s := d.y(v), d.scale.tick(v, lang)
		d.rect(box{d.area.left, y - 1, d.area.right, y + 1}, d.grid)
		d.canvas.text(s, l, point{d.area.left - axisGap - l.width(s), y + l.size*0.36}, d.muted)
	}
	const apart = 20
	list := ticks(d.From, d.To, d.page.Reader.Zone, lang, func(list []tick) bool {
		last := math.Inf(-1)
		for _, t := range list {
			b, ok := d.below(t)
			if ok && b.left < last+apart {
				return false
			}
			if ok {
				last = b.right
			}
		}
		return true
	})
	for _, t := range list {
		if x := d.x(checks.Sample{At: t.at}); x >= d.area.left {
			d.rect(box{x - 1, d.area.top, x + 1, d.area.bottom}, d.grid)
		}
		if b, ok := d.below(t); ok && d.dated {
			d.canvas.text(t.label, l, point{b.left, d.area.bottom + l.size + 10}, d.muted)
		}
	}
}

// below is where the label of a tick stands; false where it has no room.
func (d *plot) below(t tick) (box, bool) {
	w, x := d.text.width(t.label), d.x(checks.Sample{At: t.under})
	if t.room > 0 && float64(t.room)/float64(d.To.Sub(d.From))*d.area.width() < w {
		return box{}, false
	}
	// At the ends it moves inwards rather than out of the picture or below the
	// other axis.
	left := min(max(x-w/2, d.area.left-8), pictureWidth-margin/2-w)
	return box{left: left, right: left + w}, math.Abs(left-(x-w/2)) < w/2
}

// empty says that there is nothing to show.
func (d *plot) empty() {
	s := noData().In(d.lang())
	w := d.text.width(s)
	at := point{(d.area.left + d.area.right - w) / 2, (d.area.top+d.area.bottom)/2 + d.text.size*0.36}
	d.rect(box{at.x - 20, at.y - d.text.size, at.x + w + 20, at.y + d.text.size*0.4}, d.ground)
	d.canvas.text(s, d.text, at, d.ink)
}

// thresholds draws the lines of those that are in the picture.
func (d *plot) thresholds() {
	for _, t := range d.Thresholds {
		if !d.shown(t) {
			continue
		}
		pattern := []float64{26, 14}
		if t.Severity == checks.Critical {
			pattern = []float64{44, 10, 8, 10}
		}
		y := d.y(t.Value)
		d.dashes(point{d.area.left, y}, point{d.area.right, y}, 4, pattern, d.threshold(t.Severity))
	}
}

func (d *plot) shown(t Threshold) bool { return t.Value >= d.scale.low && t.Value <= d.scale.high }

// curve draws what was measured: the spread as an area with an edge, the median
// as a line, and a lone value as a dot.
func (d *plot) curve() {
	var areas, edges, lines [][]point
	var dots []point
	for _, run := range d.runs {
		var line, above, below []point
		spread := false
		for _, p := range run {
			x := d.x(checks.Sample{At: p.at})
			line = append(line, point{x, d.y(p.mid)})
			above = append(above, point{x, d.y(p.high)})
			below = append(below, point{x, d.y(p.low)})
			spread = spread || p.low < p.high
		}
		if spread {
			edges = append(edges, above, below)
			for i := range len(run) - 1 {
				areas = append(areas, []point{above[i], above[i+1], below[i+1], below[i]})
			}
			for i := range run {
				edges = append(edges, []point{above[i], below[i]})
			}
		}
		lines = append(lines, line)
		if len(run) == 1 || len(d.samples) <= fewDots {
			dots = append(dots, line...)
		}
	}
	if n := len(lines); d.current && n > 0 {
		// It ends with the present value, not with what was around it.
		lines[n-1] = append(lines[n-1], point{d.x(d.last), d.y(d.last.Value)})
	}
	d.shade(areas, edges)
	d.rim()
	d.stroke(lines, lineWidth, d.line)
	for _, p := range dots {
		d.fill([][]point{disc(p, 9)}, d.line)
	}
}

// shade fills the spread. It lets through what is below it, so it is one shape.
func (d *plot) shade(areas, edges [][]point) {
	for _, line := range edges {
		for i, p := range line {
			areas = append(areas, disc(p, 1.25))
			if i > 0 {
				areas = append(areas, bar(line[i-1], p, 2.5))
			}
		}
	}
	d.fill(areas, d.spread)
}

// fewDots is up to how many samples each is seen as one.
const fewDots = 40

// marks marks the present value, and where the curve leaves the picture.
func (d *plot) marks() {
	if d.scale.cut {
		d.spikes()
	}
	if d.current {
		at := point{d.x(d.last), d.y(d.last.Value)}
		d.fill([][]point{disc(at, 17)}, d.ground)
		d.fill([][]point{disc(at, 13)}, d.line)
	}
}

// spikes puts an arrow over each place where the curve leaves the picture, and
// the number to the highest.
func (d *plot) spikes() {
	last := math.Inf(-1)
	for _, run := range d.runs {
		for _, p := range run {
			x := d.x(checks.Sample{At: p.at})
			if p.high <= d.scale.high || x-last < 24 {
				continue
			}
			last = x
			d.stroke([][]point{{{x, d.area.top}, {x, d.y(p.mid)}}}, 3, d.line)
			d.arrow(point{x, d.area.top - 13}, -1, d.line)
			d.taken = append(d.taken, box{x - 20, d.area.top - 30, x + 20, d.area.top}, box{x - 6, d.area.top, x + 6, d.y(p.mid)})
		}
	}
	s := d.value(d.highest.Value).In(d.lang())
	x, w := d.x(d.highest), d.text.width(s)
	left := x + 22
	if left+w > d.area.right {
		left = x - 22 - w
	}
	d.label(s, point{left, d.area.top - d.text.size*0.4}, d.line)
}

// arrow points up (-1) or down (1), with its middle at a point.
func (d *plot) arrow(at point, way float64, with color.Color) {
	area := []point{{at.x - 13, at.y - way*9}, {at.x + 13, at.y - way*9}, {at.x, at.y + way*11}}
	d.fill([][]point{area}, with)
}
