package systemd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	systemdbus "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// unitLimit bounds how many units one look reads (own; a large server has a
// few dozen that matter).
const unitLimit = 200

// bus asks over D-Bus.
type bus struct{ conn *systemdbus.Conn }

// openBus connects; every later call on the connection ends with ctx, too.
func openBus(ctx context.Context, address string) (*bus, error) {
	conn, err := systemdbus.NewConnection(func() (*dbus.Conn, error) {
		c, err := dbus.Dial(address, dbus.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		// Only EXTERNAL, and by the number: a name would have to be looked up.
		err = c.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Getuid()))})
		if err == nil {
			err = c.Hello()
		}
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		return c, nil
	})
	if err != nil {
		return nil, fmt.Errorf("system bus: %w", err)
	}
	return &bus{conn}, nil
}

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

func (b *bus) close() { b.conn.Close() }

func (b *bus) list(ctx context.Context, patterns []string) ([]Unit, error) {
	found, err := b.conn.ListUnitsByPatternsContext(ctx, nil, patterns)
	if err != nil {
		return nil, fmt.Errorf("list units: %w", err)
	}
	var units []Unit
	for _, u := range found {
		units = append(units, Unit{Name: u.Name, Load: u.LoadState, Active: u.ActiveState, Sub: u.SubState})
	}
	return units[:min(len(units), unitLimit)], nil
}

func (b *bus) read(ctx context.Context, names []string) ([]Unit, error) {
	var units []Unit
	for _, name := range names[:min(len(names), unitLimit)] {
		p, err := b.conn.GetAllPropertiesContext(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		units = append(units, fromBus(name, p))
	}
	return units, nil
}

// fromBus takes what is of use from the properties of a unit.
func fromBus(name string, p properties) Unit {
	u := Unit{
		Name: name, Load: p.text("LoadState"), Active: p.text("ActiveState"), Sub: p.text("SubState"), File: p.text("UnitFileState"),
		ActiveSince: p.instant("ActiveEnterTimestamp"), ChangedAt: p.instant("StateChangeTimestamp"),
		StartedAt: p.instant("InactiveExitTimestamp"), StoppedAt: p.instant("InactiveEnterTimestamp"),
		ConditionAt: p.instant("ConditionTimestamp"), ConditionMet: p["ConditionResult"] == true,
		WantedBy:    append(append(p.texts("WantedBy"), p.texts("RequiredBy")...), p.texts("UpheldBy")...),
		TriggeredBy: p.texts("TriggeredBy"), Result: p.text("Result"),
	}
	if e, ok := p["LoadError"].([]any); ok && len(e) == 2 {
		u.LoadError, _ = e[1].(string)
	}
	switch {
	case strings.HasSuffix(name, ".service"):
		u.Service = Service{
			Type: p.text("Type"), PID: p.number("MainPID"), Restarts: p.number("NRestarts"),
			ExitKind: p.number("ExecMainCode"), ExitStatus: p.number("ExecMainStatus"),
			RanAt: p.instant("ExecMainStartTimestamp"), ExitAt: p.instant("ExecMainExitTimestamp"),
			Directory: strings.TrimPrefix(p.text("WorkingDirectory"), "!"),
		}
		if rows, ok := p["ExecStart"].([][]any); ok && len(rows) > 0 && len(rows[0]) > 1 {
			u.Exec, _ = rows[0][1].([]string)
		}
	case strings.HasSuffix(name, ".timer"):
		u.Timer = Timer{
			Activates: p.text("Unit"), Last: p.instant("LastTriggerUSec"), Next: p.instant("NextElapseUSecRealtime"),
			Delay: p.span("RandomizedDelayUSec"), Accuracy: p.span("AccuracyUSec"),
		}
		rows, _ := p["TimersCalendar"].([][]any)
		for _, row := range rows {
			if len(row) > 1 && row[0] == "OnCalendar" {
				if s, ok := row[1].(string); ok {
					u.Calendar = append(u.Calendar, s)
				}
			}
		}
		rows, _ = p["TimersMonotonic"].([][]any)
		for _, row := range rows {
			if len(row) > 1 && repeats(row[0]) {
				if v, ok := row[1].(uint64); ok {
					u.Repeats = shorter(u.Repeats, micros(v))
				}
			}
		}
	}
	return u
}

// properties are the values of a unit as they come over the bus.
type properties map[string]any

func (p properties) text(name string) string {
	s, _ := p[name].(string)
	return s
}

func (p properties) texts(name string) []string {
	s, _ := p[name].([]string)
	return s
}

func (p properties) number(name string) int {
	switch v := p[name].(type) {
	case uint32:
		return int(v)
	case int32:
		return int(v)
	}
	return 0
}

// instant reads microseconds since 1970; 0 and the largest number are never.
func (p properties) instant(name string) time.Time {
	v, _ := p[name].(uint64)
	if v == 0 || v > math.MaxInt64 {
		return time.Time{}
	}
	return time.UnixMicro(int64(v))
}

func (p properties) span(name string) time.Duration {
	v, _ := p[name].(uint64)
	return micros(v)
}

// micros is a length of time; what has no end is as long as can be said.
func micros(v uint64) time.Duration {
	if v > math.MaxInt64/1000 {
		return math.MaxInt64
	}
	return time.Duration(v) * time.Microsecond
}

// repeats tells whether a monotonic timer begins again after each run.
func repeats(base any) bool {
	return base == "OnUnitActiveUSec" || base == "OnUnitInactiveUSec"
}

func shorter(a, b time.Duration) time.Duration {
	if a == 0 || (b > 0 && b < a) {
		return b
	}
	return a
}
