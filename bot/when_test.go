package bot

import (
	"testing"
	"time"
)

func TestUntilWhenAsPeopleWriteIt(t *testing.T) {
	zone := tokyo(t)
	who := Admin{Zone: zone, Morning: 8 * 60}
	now := time.Date(2026, 11, 22, 10, 15, 0, 0, zone) // a Sunday
	at := func(month, day, hour, minute int) time.Time {
		return time.Date(2026, time.Month(month), day, hour, minute, 0, 0, zone)
	}
	for text, want := range map[string]time.Time{
		"snooze 12 3d":                       now.Add(72 * time.Hour),
		"snooze 12 for 3 days":               now.Add(72 * time.Hour),
		"snooze disk 90m":                    now.Add(90 * time.Minute),
		"maintenance 2h reboot":              now.Add(2 * time.Hour),
		"maintenance an hour":                now.Add(time.Hour),
		"snooze 12 1w":                       now.Add(7 * 24 * time.Hour),
		"snooze 12 until monday 09:00":       at(11, 23, 9, 0),
		"snooze 12 until monday":             at(11, 23, 8, 0),
		"snooze 12 till tomorrow evening":    at(11, 23, 18, 0),
		"snooze 12 until tomorrow":           at(11, 23, 8, 0),
		"snooze 12 until 18:00":              at(11, 22, 18, 0),
		"snooze 12 until 9:30":               at(11, 23, 9, 30),
		"snooze 12 until 6 pm":               at(11, 22, 18, 0),
		"snooze 12 until 25 nov":             at(11, 25, 8, 0),
		"snooze 12 until 2026-12-01 10:00":   at(12, 1, 10, 0),
		"snooze 12 until sunday":             at(11, 29, 8, 0),
		"snooze 12 until tonight":            at(11, 22, 21, 0),
		"snooze 12 until next week":          at(11, 23, 8, 0),
		"12番 あとで 3日":                         now.Add(72 * time.Hour),
		"12番 3日間 あとで":                        now.Add(72 * time.Hour),
		"メンテ 2時間":                            now.Add(2 * time.Hour),
		"メンテ 1時間半":                           now.Add(90 * time.Minute),
		"メンテ開始 30分 再起動":                      now.Add(30 * time.Minute),
		"あとで 12 一週間":                         now.Add(7 * 24 * time.Hour),
		"12番 月曜の朝まで":                         at(11, 23, 8, 0),
		"12番 月曜日の9時まで":                       at(11, 23, 9, 0),
		"12番 明日まで":                           at(11, 23, 8, 0),
		"12番 明日の夕方まで":                        at(11, 23, 18, 0),
		"12番 あさっての朝まで":                       at(11, 24, 8, 0),
		"12番 18時半まで":                         at(11, 22, 18, 30),
		"12番 午後6時まで":                         at(11, 22, 18, 0),
		"12番 25日まで":                          at(11, 25, 8, 0),
		"12番 3日まで":                           at(12, 3, 8, 0),
		"12番 12/1まで":                         at(12, 1, 8, 0),
		"12番 12月1日の10時まで":                    at(12, 1, 10, 0),
		"12番 今夜まで":                           at(11, 22, 21, 0),
		"snooze 12 waiting for the new disk": {},
		"あとで 12":                             {},
		"対応します 12":                           {},
	} {
		p, from, to, found := findPeriod(text, who, now)
		if found != !want.IsZero() || found && !p.end(now).Equal(want) {
			t.Errorf("%q: %v %v, want %v", text, found, p.end(now).In(zone), want)
		}
		if found && (from >= to || to > len(text)) {
			t.Errorf("%q: stands at %d to %d", text, from, to)
		}
	}
}
