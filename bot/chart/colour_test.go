package chart

import (
	"image/color"
	"math"
	"testing"

	"github.com/sababan/sababan/checks"
)

// linear is a colour in linear light, 0 to 1.
func linear(c color.NRGBA) [3]float64 {
	one := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return [3]float64{one(c.R), one(c.G), one(c.B)}
}

func luminance(c color.NRGBA) float64 {
	l := linear(c)
	return 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2]
}

// contrast is that of WCAG 2: 1 to 21.
func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestLettersAndLinesStandOutFromTheGround(t *testing.T) {
	for _, dark := range []bool{false, true} {
		p := paletteFor(dark)
		for name, c := range map[string]color.NRGBA{"ink": p.ink, "muted": p.muted, "warning": p.warning, "critical": p.critical, "line": p.line} {
			for where, ground := range map[string]color.NRGBA{"the ground": p.ground, "the band": p.band} {
				// WCAG asks for 4.5 for letters, 3 for lines and large letters.
				if got := contrast(c, ground); got < 4.5 {
					t.Errorf("dark %v: %s has a contrast of %.1f on %s", dark, name, got, where)
				}
			}
		}
		if got := contrast(p.rim, p.ground); got < 2.5 {
			t.Errorf("dark %v: the rim of the band has a contrast of %.1f", dark, got)
		}
		if p.threshold(checks.Critical) == p.threshold(checks.Warning) {
			t.Errorf("dark %v: both thresholds have one colour", dark)
		}
	}
}

// How those see colours who lack the cones for red, green or blue (Machado,
// Oliveira and Fernandes 2009, severity 1).
var blindness = map[string][3][3]float64{
	"all cones": {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"no red":    {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"no green":  {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"no blue":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

// lab is how a colour is seen, in CIE L*a*b*.
func lab(c color.NRGBA, eye [3][3]float64) [3]float64 {
	l := linear(c)
	var s [3]float64
	for i := range s {
		for j := range l {
			s[i] += eye[i][j] * l[j]
		}
		s[i] = min(max(s[i], 0), 1)
	}
	x := (0.4124*s[0] + 0.3576*s[1] + 0.1805*s[2]) / 0.9505
	y := 0.2126*s[0] + 0.7152*s[1] + 0.0722*s[2]
	z := (0.0193*s[0] + 0.1192*s[1] + 0.9505*s[2]) / 1.089
	f := func(v float64) float64 {
		if v > 0.008856 {
			return math.Cbrt(v)
		}
		return 7.787*v + 16.0/116
	}
	return [3]float64{116*f(y) - 16, 500 * (f(x) - f(y)), 200 * (f(y) - f(z))}
}

func TestTheCurveIsNoThresholdForTheColourBlindEither(t *testing.T) {
	for _, dark := range []bool{false, true} {
		p := paletteFor(dark)
		for eye, matrix := range blindness {
			line := lab(p.line, matrix)
			for name, c := range map[string]color.NRGBA{"warning": p.warning, "critical": p.critical} {
				o := lab(c, matrix)
				if d := math.Hypot(math.Hypot(line[0]-o[0], line[1]-o[1]), line[2]-o[2]); d < 25 {
					t.Errorf("dark %v, %s: the curve and %s differ by %.0f only", dark, eye, name, d)
				}
			}
		}
	}
}
