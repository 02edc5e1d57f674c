package backups

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// statusLimit is how large a status file may be, in bytes (own: a restic
// repository of ten thousand snapshots).
const statusLimit = 8 << 20

var (
	errTooLarge = errors.New("the status file is too large")
	errForm     = errors.New("the status file is of no known form")
)

// A status is what a status file says of a repository.
type status struct {
	Tool      string // "restic", "borg", "pgBackRest"
	Artefacts []artefact
	// Trouble is what the tool itself complains of; text from outside.
	Trouble string
	// Paths are what the newest backup holds; nil where that is not said.
	Paths []string
	// PathsKnown tells that a form says what is inside, or that it can only be
	// a database.
	PathsKnown bool
	// Location is a repository on this machine; "" elsewhere, or not known.
	Location string
	// Exit is the exit status of the job, where it has written it down; 0 also
	// where it has not.
	Exit int
}

// readStatus reads a status file. Times without a zone are those of this
// machine, where the job has run.
func readStatus(path string) (status, error) {
	f, err := checks.OpenFile(path)
	if err != nil {
		return status{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, statusLimit+1))
	if err != nil {
		return status{}, err
	}
	if len(text) > statusLimit {
		return status{}, errTooLarge
	}
	s, err := parseStatus(text)
	if info, statErr := f.Stat(); err == nil && statErr == nil {
		for i := range s.Artefacts {
			if s.Artefacts[i].Time.IsZero() { // a job that does not say when it ended
				s.Artefacts[i].Time = info.ModTime()
			}
		}
	}
	return s, err
}

// ended is how a job says how it went: an object of its own, alone or behind
// what its tool says. restic's exit_error has the same meaning.
type ended struct {
	Exit    *int      `json:"exit_code"`
	Time    time.Time `json:"time"`
	Size    *int64    `json:"size_bytes"`
	Tool    string    `json:"tool"`
	Message string    `json:"message"`
	Paths   []string  `json:"paths"`
	Kind    string    `json:"message_type"`
	Code    int       `json:"code"`
}

// parseStatus reads what a tool says, how its job ended, or one behind the
// other.
func parseStatus(text []byte) (status, error) {
	var s status
	known := false
	d := json.NewDecoder(bytes.NewReader(text))
	for range valuesLimit {
		var one json.RawMessage
		if err := d.Decode(&one); errors.Is(err, io.EOF) && known {
			return s, nil
		} else if err != nil {
			return status{}, fmt.Errorf("%w: %w", errForm, err)
		}
		var e ended
		if json.Unmarshal(one, &e) == nil && (e.Exit != nil || e.Kind == "exit_error") {
			s.end(e, known)
			known = true
			continue
		}
		if e.Kind != "" {
			continue // restic tells of its progress
		}
		told, err := parseTool(one)
		if err != nil {
			return status{}, err
		}
		if s.Exit != 0 {
			told.Exit, told.Trouble = s.Exit, cmp.Or(told.Trouble, s.Trouble)
		}
		s, known = told, true
	}
	return s, nil
}

// valuesLimit bounds how many values of JSON a status file may hold (own).
const valuesLimit = 1000

// end takes how a job ended; behind a tool's own words it only adds to them.
func (s *status) end(e ended, known bool) {
	switch {
	case e.Exit != nil:
		s.Exit = *e.Exit
	case e.Kind == "exit_error":
		s.Exit, s.Tool = max(e.Code, 1), cmp.Or(s.Tool, "restic")
	}
	// borg ends with 1 where a file has changed while it was read.
	if s.Tool == "borg" && s.Exit == 1 || e.Tool == "borg" && s.Exit == 1 {
		s.Exit = 0
	}
	if s.Exit != 0 && e.Message != "" {
		s.Trouble = e.Message
	}
	if known || s.Tool == "restic" && e.Kind == "exit_error" {
		return
	}
	s.Tool = cmp.Or(checks.Shorten(checks.Quote(e.Tool), 20), "job")
	s.Paths, s.PathsKnown = e.Paths, e.Paths != nil
	if s.Exit == 0 {
		a := artefact{Time: e.Time, Size: -1}
		if e.Size != nil {
			a.Size = *e.Size
		}
		s.Artefacts = []artefact{a}
	}
}

func parseTool(text []byte) (status, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err == nil {
		if len(list) == 0 {
			return status{PathsKnown: true}, nil // restic without a snapshot
		}
		var first struct {
			Time  string
			Paths []string
			Name  string
			// Backup and Status are pgBackRest's.
			Backup *json.RawMessage
			Status *json.RawMessage
		}
		if err := json.Unmarshal(list[0], &first); err != nil {
			return status{}, fmt.Errorf("%w: %w", errForm, err)
		}
		switch {
		case first.Status != nil || first.Backup != nil:
			return parsePgBackRest(text)
		case first.Time != "" && first.Paths != nil:
			return parseRestic(text)
		}
		return status{}, errForm
	}
	var object struct{ Archives *json.RawMessage }
	if err := json.Unmarshal(text, &object); err != nil {
		return status{}, fmt.Errorf("%w: %w", errForm, err)
	}
	if object.Archives == nil {
		return status{}, errForm
	}
	return parseBorg(text)
}

// parseRestic reads `restic snapshots --json`.
func parseRestic(text []byte) (status, error) {
	var list []struct {
		Time    time.Time
		Paths   []string
		Summary *struct {
			Bytes int64 `json:"total_bytes_processed"` // since restic 0.17
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return status{}, fmt.Errorf("%w: restic: %w", errForm, err)
	}
	s := status{Tool: "restic", PathsKnown: true}
	var newest time.Time
	for _, one := range list {
		a := artefact{Time: one.Time, Size: -1}
		if one.Summary != nil {
			a.Size = one.Summary.Bytes
		}
		s.Artefacts = append(s.Artefacts, a)
		if newest = latest(newest, one.Time); one.Time.Equal(newest) {
			s.Paths = one.Paths
		}
	}
	// Snapshots of different paths lie in one repository: what any of the last
	// days holds counts.
	for _, one := range list {
		if newest.Sub(one.Time) < 2*day {
			s.Paths = append(s.Paths, one.Paths...)
		}
	}
	return s.sorted(), nil
}

// borgTime is how borg writes an instant: the local time of the machine.
const borgTime = "2006-01-02T15:04:05.999999"

// parseBorg reads `borg list --json` and `borg info --json`.
func parseBorg(text []byte) (status, error) {
	var object struct {
		Archives []struct {
			Start, Time, End string
			Command          []string `json:"command_line"`
			Stats            *struct {
				Original int64 `json:"original_size"`
			}
		}
		Repository struct{ Location string }
	}
	if err := json.Unmarshal(text, &object); err != nil {
		return status{}, fmt.Errorf("%w: borg: %w", errForm, err)
	}
	s := status{Tool: "borg", PathsKnown: len(object.Archives) == 0}
	if strings.HasPrefix(object.Repository.Location, "/") {
		s.Location = object.Repository.Location
	}
	var newest time.Time
	for _, one := range object.Archives {
		at, err := borgInstant(cmp.Or(one.End, one.Time, one.Start))
		if err != nil {
			return status{}, fmt.Errorf("%w: borg: %w", errForm, err)
		}
		a := artefact{Time: at, Size: -1}
		if one.Stats != nil {
			a.Size = one.Stats.Original
		}
		s.Artefacts = append(s.Artefacts, a)
		if newest = latest(newest, at); at.Equal(newest) {
			s.Paths, s.PathsKnown = one.Command, one.Command != nil
		}
	}
	return s.sorted(), nil
}

func borgInstant(text string) (time.Time, error) {
	if at, err := time.ParseInLocation(borgTime, text, time.Local); err == nil {
		return at, nil
	}
	return time.Parse(time.RFC3339Nano, text) // borg 2 writes the zone
}

// parsePgBackRest reads `pgbackrest info --output=json`.
func parsePgBackRest(text []byte) (status, error) {
	var list []struct {
		Name   string
		Status struct {
			Code    int
			Message string
		}
		Backup []struct {
			Label     string
			Error     bool
			Timestamp struct{ Stop float64 }
			Info      struct{ Size int64 }
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return status{}, fmt.Errorf("%w: pgbackrest: %w", errForm, err)
	}
	s := status{Tool: "pgBackRest", PathsKnown: true}
	for _, stanza := range list {
		if stanza.Status.Code != 0 && s.Trouble == "" {
			s.Trouble = strings.TrimSpace(stanza.Name + ": " + stanza.Status.Message)
		}
		for _, b := range stanza.Backup {
			if b.Error && s.Trouble == "" {
				s.Trouble = b.Label + ": error"
			}
			if b.Timestamp.Stop <= 0 || b.Timestamp.Stop > math.MaxInt32*4.0 {
				return status{}, fmt.Errorf("%w: pgbackrest: a backup without a time", errForm)
			}
			s.Artefacts = append(s.Artefacts, artefact{Time: time.Unix(int64(b.Timestamp.Stop), 0), Size: b.Info.Size})
		}
	}
	return s.sorted(), nil
}

func (s status) sorted() status {
	slices.SortStableFunc(s.Artefacts, func(a, b artefact) int { return a.Time.Compare(b.Time) })
	s.Artefacts = s.Artefacts[max(0, len(s.Artefacts)-keptNewest):]
	return s
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
