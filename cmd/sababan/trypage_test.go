package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox/page/chromium"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// breakable are the kinds of the checklist that `try` can make ill.
func breakable(s *site.Site) []checks.Kind {
	return slices.DeleteFunc(checklist(s), func(k checks.Kind) bool {
		return !slices.Contains([]string{"disk", "memory", "certs", "instance", "latency"}, k.Name)
	})
}

var pageAddress = regexp.MustCompile(`http://127\.0\.0\.1:\d+/[A-Z2-7]{26}/`)

// tryInBrowser runs `try` until the test ends, and answers the address of its page.
func tryInBrowser(t *testing.T, lang string) string {
	t.Helper()
	typed, keyboard := io.Pipe()
	screen, printed := io.Pipe()
	env := environment{
		stdin: typed, stdout: printed, stderr: printed,
		getenv:    func(string) string { return "" },
		columns:   func() (int, bool) { return 0, false },
		checklist: breakable,
		config:    filepath.Join(t.TempDir(), "none.toml"),
		patience:  29 * time.Second,
	}
	ctx, cancel := context.WithCancel(context.Background())
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, env, []string{"try", "--lang", lang})
		_ = printed.Close()
	}()
	address, read := make(chan string, 1), make(chan struct{})
	var said strings.Builder
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(screen); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if found := pageAddress.FindString(lines.Text()); found != "" {
				address <- found
			}
		}
		close(address)
	}()
	t.Cleanup(func() {
		_ = keyboard.Close() // Ctrl-D
		if got := <-status; got != exitOK {
			t.Errorf("it ended with %d", got)
		}
		cancel()
		<-read
		if t.Failed() {
			t.Logf("the terminal:\n%s", said.String())
		}
	})
	found, ok := <-address
	if !ok {
		t.Fatal("no address was printed")
	}
	return found
}

func TestThePageOfTryBreaksAsksAndMends(t *testing.T) {
	axe, browser := chromium.Axe(t), chromium.Start(t)
	for _, c := range []struct {
		lang, alert, answer, resolved, colours string
		width                                  int
	}{
		{"en", "[Action needed]", "sandbox.example ", "[Resolved]", "light", 1200},
		{"ja", "【要対応】", "sandbox.example ", "【解消】", "dark", 390},
	} {
		t.Run(c.lang, func(t *testing.T) {
			t.Parallel()
			tab := browser.Open(t, tryInBrowser(t, c.lang))
			tab.Look(c.width, 900, c.colours)
			begins := func(text string) string {
				return `[...document.querySelectorAll('article .body')].some((b) => b.innerText.startsWith('` + text + `'))`
			}
			tab.Until(`document.querySelectorAll('article').length > 0`)
			if got := tab.Eval(`document.querySelectorAll('#sicknesses button').length`); got != 5.0 {
				t.Errorf("%v things can be broken", got)
			}
			for _, name := range []string{"disk", "certs", "instance", "memory", "latency"} {
				tab.Click("#do-" + name)
				tab.Until(`document.getElementById('state-` + name + `').dataset.state === 'ill'`)
			}
			tab.Until(begins(c.alert))

			tab.Eval(`document.getElementById('text').focus()`)
			tab.Type("status")
			tab.Press("Enter", chromium.Control)
			tab.Until(`[...document.querySelectorAll('article.mine')].some((a) => a.closest('.thread').querySelector('article:not(.mine) .body')?.innerText.includes('` + c.answer + `'))`)
			if err := tab.Accessible(axe); err != nil {
				t.Error(err)
			}
			if dir := os.Getenv("SABABAN_PICTURES"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, "try-"+c.lang+".png"), tab.Picture(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range []string{"disk", "certs", "instance", "memory", "latency"} {
				tab.Click("#do-" + name)
				tab.Until(`document.getElementById('state-` + name + `').dataset.state === 'well'`)
			}
			// The end stands in the thread of its beginning.
			tab.Until(`[...document.querySelectorAll('.thread')].some((t) => t.innerText.includes('` + c.alert + `') && t.innerText.includes('` + c.resolved + `'))`)
			if dir := os.Getenv("SABABAN_PICTURES"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, "try-"+c.lang+"-end.png"), tab.Picture(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
