package chart

import (
	"image/color"

	"github.com/sababan/sababan/checks"
)

// A palette is the colours of a picture. Those that mean something come from the
// set of Okabe and Ito, made darker or lighter until they stand out from the
// ground; they differ for the colour-blind too, and no colour is alone in saying
// what it says: thresholds are dashed, each in its own way, and labelled.
type palette struct {
	ground, ink, muted, grid color.NRGBA
	line, spread, band, rim  color.NRGBA
	warning, critical        color.NRGBA
}

func rgb(hex uint32) color.NRGBA {
	return color.NRGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 0xff}
}

// faint is a colour that lets through what is below it.
func faint(hex uint32, part float64) color.NRGBA {
	c := rgb(hex)
	c.A = uint8(part*0xff + 0.5)
	return c
}

func paletteFor(dark bool) palette {
	if dark {
		return palette{
			ground: rgb(0x15181d), ink: rgb(0xf2f4f6), muted: rgb(0xaeb6c0), grid: rgb(0x343b44),
			line: rgb(0x56b4e9), spread: faint(0x56b4e9, 0.34), band: rgb(0x263f37), rim: rgb(0x4d8a74),
			warning: rgb(0xf0b43c), critical: rgb(0xff8466),
		}
	}
	return palette{
		ground: rgb(0xffffff), ink: rgb(0x16191d), muted: rgb(0x545c66), grid: rgb(0xdde1e6),
		line: rgb(0x0067a6), spread: faint(0x0067a6, 0.26), band: rgb(0xd9ecdf), rim: rgb(0x6fae8b),
		warning: rgb(0x8f5d00), critical: rgb(0xb53600),
	}
}

// threshold is the colour of one.
func (p palette) threshold(s checks.Severity) color.NRGBA {
	if s == checks.Critical {
		return p.critical
	}
	return p.warning
}
