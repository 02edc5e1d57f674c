package chart

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// A Font is one with Japanese letters. It is read from its file as letters are
// needed, for it has megabytes of them. It may be used by several at once.
type Font struct {
	file *os.File
	face *opentype.Font
}

// japaneseFonts are where distributions put the fonts that are usual on servers
// and desktops; the first that is there is taken. Letters of one width and
// outlines that vary are left out: they look bad, or cannot be read.
func japaneseFonts() []string {
	return []string{
		"/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",              // Debian, Ubuntu: fonts-noto-cjk
		"/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",            // RHEL, Fedora up to 36
		"/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc", // Fedora
		"/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",                   // Arch
		"/usr/share/fonts/noto/NotoSansCJK-Regular.ttc",                       // Alpine
		"/usr/share/fonts/opentype/ipaexfont-gothic/ipaexg.ttf",               // Debian, Ubuntu: fonts-ipaexfont-gothic
		"/usr/share/fonts/opentype/ipafont-gothic/ipagp.ttf",                  // Debian, Ubuntu: fonts-ipafont-gothic
		"/usr/share/fonts/ipa-pgothic/ipagp.ttf",                              // RHEL
		"/usr/share/fonts/truetype/takao-gothic/TakaoPGothic.ttf",             // Debian, Ubuntu: fonts-takao-gothic
		"/usr/share/fonts/truetype/vlgothic/VL-PGothic-Regular.ttf",           // Debian, Ubuntu: fonts-vlgothic
		"/usr/share/fonts/truetype/fonts-japanese-gothic.ttf",                 // Debian, Ubuntu: whichever is chosen
		"/System/Library/Fonts/ヒラギノ角ゴシック W3.ttc",                              // macOS
	}
}

// FindJapanese opens the first usual font with Japanese letters that is on this
// machine. It is nil where there is none that can be used, and the caller closes
// it, nil or not.
func FindJapanese() *Font {
	for _, path := range japaneseFonts() {
		if f, err := OpenJapanese(path); err == nil {
			return f
		}
	}
	return nil
}

var errLetters = errors.New("it has no Japanese letters")

// OpenJapanese opens a font, or the Japanese one of a collection. The error is
// that there is no such file, that it is no font that can be read, or that it
// has no Japanese letters.
func OpenJapanese(path string) (*Font, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("font: %w", err)
	}
	face, err := japaneseOf(file)
	if err != nil {
		_ = file.Close() // it was only read
		return nil, fmt.Errorf("font: %s: %w", path, err)
	}
	return &Font{file, face}, nil
}

// Close closes the file.
func (f *Font) Close() error {
	if f == nil {
		return nil
	}
	return f.file.Close()
}

// japaneseOf picks the font of a collection that writes kanji as Japan does.
func japaneseOf(file *os.File) (*opentype.Font, error) {
	all, err := opentype.ParseCollectionReaderAt(file)
	if err != nil {
		return nil, err
	}
	var first *opentype.Font
	var buf sfnt.Buffer
	for i := range all.NumFonts() {
		one, err := all.Font(i)
		if err != nil {
			return nil, err
		}
		if !has(one, &buf, 'あ') || !has(one, &buf, '普') {
			continue
		}
		if first == nil {
			first = one
		}
		// "Noto Sans CJK JP"
		if name, err := one.Name(&buf, sfnt.NameIDFamily); err == nil && strings.HasSuffix(name, " JP") {
			return one, nil
		}
	}
	if first == nil {
		return nil, errLetters
	}
	return first, nil
}

func has(f *opentype.Font, buf *sfnt.Buffer, r rune) bool {
	i, err := f.GlyphIndex(buf, r)
	return err == nil && i != 0
}

// letters are those of one size: each is taken from the first font that has it.
type letters struct {
	faces []font.Face
	size  float64
}

// newLetters makes letters of so many pixels.
func newLetters(fonts []*opentype.Font, size float64) (letters, error) {
	l := letters{size: size}
	for _, f := range fonts {
		face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
		if err != nil {
			return letters{}, fmt.Errorf("font: %w", err)
		}
		l.faces = append(l.faces, face)
	}
	return l, nil
}

// fontsFor are the fonts of a language, the first choice first. The Latin one is
// part of the program.
func fontsFor(japanese *Font) ([]*opentype.Font, error) {
	own, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("font: %w", err)
	}
	if japanese == nil {
		return []*opentype.Font{own}, nil
	}
	return []*opentype.Font{own, japanese.face}, nil
}

// face is the one that has a letter, or the first one, which draws a box.
func (l letters) face(r rune) font.Face {
	for _, f := range l.faces {
		if _, ok := f.GlyphAdvance(r); ok {
			return f
		}
	}
	return l.faces[0]
}

// width is how wide a text is, in pixels.
func (l letters) width(s string) float64 {
	var sum fixed.Int26_6
	for _, r := range s {
		a, _ := l.face(r).GlyphAdvance(r)
		sum += a
	}
	return float64(sum) / 64
}

// fit cuts a text to a width.
func (l letters) fit(s string, width float64) string {
	if l.width(s) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 && l.width(string(runes)+"…") > width {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
}
