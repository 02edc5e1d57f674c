package registry

import (
	"strings"
	"testing"
)

// encoding/json refuses what is nested more than 10,000 deep, wherever it
// stands: none of what is read here is walked by our own code at any depth.
func TestAnAnswerOfARegistryThatIsNestedWithoutEndIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"arrays":                       strings.Repeat("[", 200_000),
		"objects":                      strings.Repeat(`{"entities":`, 50_000),
		"whole arrays":                 strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"below a word that is read":    `{"ldhName":"example.com","entities":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`,
		"below a word that is not":     `{"ldhName":"example.com","evil":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`,
		"inside the registrar's card":  `{"ldhName":"example.com","entities":[{"roles":["registrar"],"vcardArray":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}]}`,
		"in the list of the registers": `{"services":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`,
	} {
		if said, err := readRDAP([]byte(text), "example.com"); err == nil {
			t.Errorf("%s: %+v", name, said)
		}
		if bases, err := basesIn([]byte(text), "com"); err == nil && len(bases) > 0 {
			t.Errorf("%s: %q", name, bases)
		}
	}
}
