package services

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// encoding/json refuses what is nested more than 10,000 deep, wherever it stands.
func TestAnAnswerOfDockersThatIsNestedOrLongWithoutEndIsRefused(t *testing.T) {
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for name, text := range map[string]string{
		"arrays": deep, "objects": strings.Repeat(`{"a":`, 50_000), "inside a container": `[{"Id":"1","Names":["/x"],"Labels":{},"Mounts":` + deep + `}]`,
		"longer than any": `[` + strings.Repeat(" ", dockerBytes) + `]`,
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }))
		if all, err := newDocker(s.URL).containers(t.Context(), ""); err == nil {
			t.Errorf("%s: %d containers", name, len(all))
		}
		s.Close()
	}
}
