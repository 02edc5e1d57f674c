package main

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// A decoder fills written forms from what the TOML library has read, strictly,
// and goes on after a mistake so that all are told at once. The library's own
// decoding stops at the first, takes keys in any case, and takes a bare number
// for a duration.
type decoder struct {
	mistakes
	// also are keys that the table being read may hold besides those of its
	// struct, to be offered where one is mistyped.
	also []string
}

// table fills the struct that into points to. A key that the struct does not
// know is a mistake that offers the nearest it knows.
func (d *decoder) table(at place, from map[string]any, into any) {
	d.structure(at, from, reflect.ValueOf(into).Elem())
}

func (d *decoder) structure(at place, from map[string]any, into reflect.Value) {
	fields := fieldsOf(into)
	for _, name := range slices.Sorted(maps.Keys(from)) {
		where := at.child(name)
		field, ok := fields[name]
		if !ok {
			d.unknown(where, from[name], slices.Sorted(maps.Keys(fields)))
			continue
		}
		d.value(where, from[name], field)
	}
}

// unknown notes a key or table that nobody reads.
func (d *decoder) unknown(at place, value any, known []string) {
	name := at[len(at)-1].name
	if len(d.also) > 0 && len(at) == checkDepth {
		known = slices.Sorted(slices.Values(append(known, d.also...)))
	}
	what, form := "is not a known key", `%s; did you mean %q?`
	if isTable(value) {
		what = "is not a known table"
	}
	switch near := nearest(name, known); {
	case slices.Contains(known, strings.ToLower(name)):
		d.add(at, `%s: keys are written in small letters, %q`, what, strings.ToLower(name))
	case near != "":
		d.add(at, form, what, near)
	case len(known) > 0 && len(known) <= 8:
		d.add(at, `%s; there are: %s`, what, strings.Join(known, ", "))
	default:
		d.add(at, "%s", what)
	}
}

func isTable(v any) bool {
	switch v.(type) {
	case map[string]any, []map[string]any:
		return true
	}
	return false
}

var (
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	durationType = reflect.TypeFor[checks.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
)

// value fills one field.
func (d *decoder) value(at place, v any, into reflect.Value) {
	if into.Kind() == reflect.Pointer {
		if into.IsNil() {
			into.Set(reflect.New(into.Type().Elem()))
		}
		d.value(at, v, into.Elem())
		return
	}
	if into.CanAddr() && into.Type() != timeType && reflect.PointerTo(into.Type()).Implements(textType) {
		d.words(at, v, into)
		return
	}
	wrong := func() { d.add(at, "is %s, should be %s", said(v), wanted(at, into.Type())) }
	switch into.Kind() {
	case reflect.String:
		if s, ok := v.(string); ok {
			into.SetString(s)
		} else {
			wrong()
		}
	case reflect.Bool:
		if b, ok := v.(bool); ok {
			into.SetBool(b)
		} else {
			wrong()
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n, ok := v.(int64); !ok {
			wrong()
		} else if into.OverflowInt(n) {
			d.add(at, "is too large a number")
		} else {
			into.SetInt(n)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n, ok := v.(int64); !ok {
			wrong()
		} else if n < 0 {
			d.add(at, "cannot be less than 0")
		} else if into.OverflowUint(uint64(n)) {
			d.add(at, "is too large a number")
		} else {
			into.SetUint(uint64(n))
		}
	case reflect.Float32, reflect.Float64:
		switch n := v.(type) {
		case int64:
			into.SetFloat(float64(n))
		case float64:
			if math.IsNaN(n) || math.IsInf(n, 0) {
				d.add(at, "has no finite value")
				return
			}
			into.SetFloat(n)
		default:
			wrong()
		}
	case reflect.Slice:
		d.list(at, v, into)
	case reflect.Map:
		d.names(at, v, into)
	case reflect.Struct:
		switch t := v.(type) {
		case time.Time:
			if into.Type() == timeType {
				into.Set(reflect.ValueOf(t))
				return
			}
			wrong()
		case map[string]any:
			if into.Type() == timeType {
				wrong()
				return
			}
			d.structure(at, t, into)
		default:
			wrong()
		}
	case reflect.Interface:
		into.Set(reflect.ValueOf(v))
	default:
		d.add(at, "cannot be set")
	}
}

// words fills what reads itself from text.
func (d *decoder) words(at place, v any, into reflect.Value) {
	s, ok := v.(string)
	switch n := v.(type) {
	case int64:
		if into.Type() == durationType {
			d.add(at, `is a bare number; write it in quotes with a unit, "%ds", "%dm", "%dh" or "%dd"`, n, n, n, n)
			return
		}
	case float64:
		if into.Type() == durationType {
			d.add(at, `is a bare number; write it in quotes with a unit, for example "90s", "5m", "3d" or "2w"`)
			return
		}
	}
	if !ok {
		d.add(at, "is %s, should be %s", said(v), wanted(at, into.Type()))
		return
	}
	if err := into.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
		d.add(at, "%v", err)
	}
}

// list fills a slice; a list replaces the default, it does not add to it.
func (d *decoder) list(at place, v any, into reflect.Value) {
	var elements []any
	switch t := v.(type) {
	case []any:
		elements = t
	case []map[string]any:
		for _, one := range t {
			elements = append(elements, one)
		}
	default:
		d.add(at, "is %s, should be %s", said(v), wanted(at, into.Type()))
		return
	}
	list := reflect.MakeSlice(into.Type(), len(elements), len(elements))
	for i, one := range elements {
		d.value(at.nth(i+1), one, list.Index(i))
	}
	into.Set(list)
}

// names fills a map whose keys are the admin's own words.
func (d *decoder) names(at place, v any, into reflect.Value) {
	from, ok := v.(map[string]any)
	if !ok || into.Type().Key().Kind() != reflect.String {
		d.add(at, "is %s, should be %s", said(v), wanted(at, into.Type()))
		return
	}
	filled := reflect.MakeMap(into.Type())
	for _, name := range slices.Sorted(maps.Keys(from)) {
		element := reflect.New(into.Type().Elem()).Elem()
		d.value(at.child(name), from[name], element)
		filled.SetMapIndex(reflect.ValueOf(name).Convert(into.Type().Key()), element)
	}
	into.Set(filled)
}

// said is what somebody has written, in words.
func said(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case bool:
		return "true or false"
	case int64, float64:
		return "a number"
	case time.Time:
		return "a date"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	case []map[string]any:
		return "several tables"
	}
	return "something else"
}

// wanted is what should have been written, in words.
func wanted(at place, t reflect.Type) string {
	if t != timeType && reflect.PointerTo(t).Implements(textType) {
		if t == durationType {
			return `a duration in quotes, for example "90s", "5m", "3d" or "2w"`
		}
		return "text in quotes"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(at, t.Elem())
	case reflect.String:
		return "text in quotes"
	case reflect.Bool:
		return "true or false, without quotes"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, without quotes"
	case reflect.Float32, reflect.Float64:
		return "a number, without quotes"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return "one table or more, each headed " + at.nth(1).table()
		}
		return `a list, for example ["a", "b"]`
	case reflect.Struct:
		if t == timeType {
			return "a date without quotes, for example 2027-03-31"
		}
		return "a table, headed " + at.table()
	case reflect.Map:
		return "a table, headed " + at.table()
	}
	return "something else"
}

// fieldsOf returns the fields of a struct by their toml names; those of an
// embedded struct count as its own.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			for n, inner := range fieldsOf(v.Field(i)) {
				fields[n] = inner
			}
		case !f.IsExported() || name == "-":
		case name == "":
			fields[strings.ToLower(f.Name)] = v.Field(i)
		default:
			fields[name] = v.Field(i)
		}
	}
	return fields
}

// checkDepth is how many steps lead to a key of a check: checks, disk, cron.
const checkDepth = 3

// A checkTable is the table of one kind, as the kind sees it.
type checkTable struct {
	at      place
	from    map[string]any
	decoded bool
	wrong   mistakes
}

var _ checks.Table = (*checkTable)(nil)

// errTable says that what is wrong has been noted.
var errTable = errors.New("the table has mistakes")

// Decode fills the written form of the kind.
func (t *checkTable) Decode(into any) error {
	t.decoded = true
	if v := reflect.ValueOf(into); v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("a written form is a pointer to a struct, not %T", into)
	}
	d := decoder{also: commonKeys()}
	d.table(t.at, t.from, into)
	t.wrong = d.mistakes
	if len(d.all) > 0 {
		return errTable
	}
	return nil
}
