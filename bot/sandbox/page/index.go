package page

import (
	"fmt"
	"html"
	"io/fs"
	"reflect"
	"slices"
	"strings"
)

// index is the page before anything was said. Every value stands in a text or
// between the quotes of an attribute, none in an address, a script or a style,
// so that html's few characters are all there is to escape. The templates of
// the standard library find methods by their names while they run: with them,
// no method of any library can be left out of the program, a fifth of its size.
func (p *Page) index() ([]byte, error) {
	file, err := fs.ReadFile(files, "files/page.html")
	if err != nil {
		return nil, err
	}
	f := &filling{rest: string(file), marks: append(marksOf(p.words), "{{Bot}}", escape("@"+p.o.Bot.Acct()))}
	var phrases, sicknesses [][]string
	for _, say := range p.o.Phrases {
		phrases = append(phrases, []string{"{{.Say}}", escape(say)})
	}
	for _, s := range p.o.Sicknesses {
		sicknesses = append(sicknesses, []string{"{{.Name}}", escape(s.Name), "{{.Label}}", escape(s.Label), "{{.How}}", escape(s.How)})
	}
	f.each("phrase", phrases)
	f.each("sickness", sicknesses)
	f.put(f.rest, nil)
	return []byte(f.out.String()), f.err
}

func escape(s string) string { return html.EscapeString(s) }

// marksOf are the marks of all words, each followed by what takes its place.
func marksOf(w words) []string {
	var marks []string
	v := reflect.ValueOf(w)
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.String {
			marks = append(marks, "{{"+v.Type().Field(i).Name+"}}", escape(v.Field(i).String()))
		}
	}
	return marks
}

// A filling is a file of which rest is still to be written, with what takes the
// place of its marks. What was put in is not looked at again.
type filling struct {
	rest  string
	marks []string
	out   strings.Builder
	err   error
}

func (f *filling) put(text string, more []string) {
	_, _ = strings.NewReplacer(slices.Concat(f.marks, more)...).WriteString(&f.out, text) // a builder takes everything
}

// each writes up to the end of the next list, whose item is written for each of
// the values; a list of nothing is left out, and what stands around it, too.
func (f *filling) each(name string, values [][]string) {
	before, list := f.cut("{{list}}"), f.cut("{{end}}")
	f.put(before, nil)
	head, rest, begins := strings.Cut(list, "{{each "+name+"}}")
	item, tail, ends := strings.Cut(rest, "{{next}}")
	if (!begins || !ends) && f.err == nil {
		f.err = fmt.Errorf("page.html: no list of each %s", name)
	}
	if len(values) == 0 || f.err != nil {
		return
	}
	f.put(head, nil)
	for _, v := range values {
		f.put(item, v)
	}
	f.put(tail, nil)
}

// cut takes off what stands before a mark.
func (f *filling) cut(mark string) string {
	before, rest, ok := strings.Cut(f.rest, mark)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("page.html: no %s", mark)
	}
	f.rest = rest
	return before
}
