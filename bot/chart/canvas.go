package chart

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// point is a place in a picture, in pixels from its upper left corner.
type point struct{ x, y float64 }

// box is a part of a picture.
type box struct{ left, top, right, bottom float64 }

func (b box) width() float64  { return b.right - b.left }
func (b box) height() float64 { return b.bottom - b.top }

// nowhere is the box that any other adds to.
func nowhere() box { return box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)} }

// with is the box around two.
func (b box) with(o box) box {
	return box{min(b.left, o.left), min(b.top, o.top), max(b.right, o.right), max(b.bottom, o.bottom)}
}

func (b box) meets(o box) bool {
	return b.left < o.right && o.left < b.right && b.top < o.bottom && o.top < b.bottom
}

// A canvas is what is drawn on.
type canvas struct {
	image *image.RGBA
	shape *vector.Rasterizer
}

func newCanvas(width, height int, ground color.Color) *canvas {
	c := &canvas{image.NewRGBA(image.Rect(0, 0, width, height)), vector.NewRasterizer(0, 0)}
	draw.Draw(c.image, c.image.Bounds(), image.NewUniform(ground), image.Point{}, draw.Src)
	return c
}

// fill fills areas, all of which run around in the same direction: where they
// overlap they are one.
func (c *canvas) fill(areas [][]point, with color.Color) {
	boxes := make([]box, len(areas))
	all := nowhere()
	for i, area := range areas {
		boxes[i] = nowhere()
		for _, p := range area {
			boxes[i] = boxes[i].with(box{p.x, p.y, p.x, p.y})
		}
		all = all.with(boxes[i])
	}
	if all.left > all.right {
		return
	}
	r := image.Rect(int(math.Floor(all.left)), int(math.Floor(all.top)), int(math.Ceil(all.right)), int(math.Ceil(all.bottom)))
	r = r.Intersect(c.image.Bounds())
	ink := image.NewUniform(with)
	// A rasterizer takes eight bytes for each pixel it may fill: it gets a strip
	// at a time, and what lies in it.
	for top := r.Min.Y; top < r.Max.Y; top += stripHeight {
		strip := image.Rect(r.Min.X, top, r.Max.X, min(top+stripHeight, r.Max.Y))
		c.shape.Reset(strip.Dx(), strip.Dy())
		for i, area := range areas {
			if boxes[i].top < float64(strip.Max.Y) && boxes[i].bottom > float64(strip.Min.Y) {
				c.outline(area, strip.Min)
			}
		}
		c.shape.Draw(c.image, strip, ink, image.Point{})
	}
}

const stripHeight = 64

// outline gives an area to the rasterizer, seen from a corner.
func (c *canvas) outline(area []point, corner image.Point) {
	for i, p := range area {
		x, y := float32(p.x-float64(corner.X)), float32(p.y-float64(corner.Y))
		if i == 0 {
			c.shape.MoveTo(x, y)
		} else {
			c.shape.LineTo(x, y)
		}
	}
	c.shape.ClosePath()
}

// rect fills a box, to whole pixels.
func (c *canvas) rect(b box, with color.Color) {
	r := image.Rect(int(math.Round(b.left)), int(math.Round(b.top)), int(math.Round(b.right)), int(math.Round(b.bottom)))
	draw.Draw(c.image, r, image.NewUniform(with), image.Point{}, draw.Over)
}

// stroke draws lines with round joints and ends.
func (c *canvas) stroke(lines [][]point, width float64, with color.Color) {
	var areas [][]point
	for _, line := range lines {
		line = straighten(line)
		for i, p := range line {
			// A hair less than the line, or it would thicken the rims of both.
			areas = append(areas, disc(p, width/2-0.3))
			if i > 0 {
				areas = append(areas, bar(line[i-1], p, width))
			}
		}
	}
	c.fill(areas, with)
}

// straighten leaves out the points that lie on the way between their neighbours.
func straighten(line []point) (rest []point) {
	const off = 0.05
	for _, p := range line {
		for n := len(rest); n >= 2; n = len(rest) {
			a, b := rest[n-2], rest[n-1]
			x, y := p.x-a.x, p.y-a.y
			length := math.Hypot(x, y)
			along := (b.x-a.x)*x + (b.y-a.y)*y
			if length == 0 || along < 0 || along > length*length || math.Abs((b.x-a.x)*y-(b.y-a.y)*x) > off*length {
				break
			}
			rest = rest[:n-1]
		}
		if n := len(rest); n == 0 || rest[n-1] != p {
			rest = append(rest, p)
		}
	}
	return rest
}

// dashes draws a straight line in pieces: on, off, on, off, again and again.
func (c *canvas) dashes(from, to point, width float64, pattern []float64, with color.Color) {
	length := math.Hypot(to.x-from.x, to.y-from.y)
	at := func(d float64) point {
		part := min(d/length, 1)
		return point{from.x + (to.x-from.x)*part, from.y + (to.y-from.y)*part}
	}
	var areas [][]point
	for d, i := 0.0, 0; d < length; i++ {
		n := pattern[i%len(pattern)]
		if i%2 == 0 {
			areas = append(areas, bar(at(d), at(d+n), width))
		}
		d += n
	}
	c.fill(areas, with)
}

// bar is a straight line with flat ends, as an area.
func bar(a, b point, width float64) []point {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	if length == 0 {
		return nil
	}
	x, y := (b.y-a.y)/length*width/2, -(b.x-a.x)/length*width/2
	return []point{{a.x + x, a.y + y}, {b.x + x, b.y + y}, {b.x - x, b.y - y}, {a.x - x, a.y - y}}
}

// disc is a round area; it runs around as [bar] does.
func disc(at point, radius float64) []point {
	n := 8 + int(radius)
	area := make([]point, n)
	for i := range area {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		area[i] = point{at.x + cos*radius, at.y + sin*radius}
	}
	return area
}

// outlined writes a line with a rim around each letter, so that it can be read
// over whatever is there.
func (c *canvas) outlined(s string, l letters, at point, with, rim color.Color) {
	const wide = 4
	for i := range 12 {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / 12)
		c.text(s, l, point{at.x + wide*cos, at.y + wide*sin}, rim)
	}
	c.text(s, l, at, with)
}

// text writes a line from its left end on its base line.
func (c *canvas) text(s string, l letters, at point, with color.Color) {
	dot := fixed.Point26_6{X: fixed.Int26_6(at.x * 64), Y: fixed.Int26_6(at.y * 64)}
	d := font.Drawer{Dst: c.image, Src: image.NewUniform(with), Dot: dot}
	for _, r := range s {
		d.Face = l.face(r)
		d.DrawString(string(r))
	}
}
