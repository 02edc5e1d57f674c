package page_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/bot/sandbox/page"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is a sandbox with a bot and an admin, and the page of it.
type world struct {
	t          *testing.T
	server     *sandbox.Server
	bot, admin sandbox.Account
	page       *page.Page
	ill        atomic.Bool
	address    string // of the page, with its token
	host       string // of the page
	api        string // of the sandbox
	stop       func() // ends the page
}

func newWorld(t *testing.T, language string) *world {
	t.Helper()
	w := &world{t: t, server: sandbox.New(sandbox.Options{Domain: "sandbox.example", Admit: page.Local})}
	w.bot = w.server.AddAccount(sandbox.Account{Username: "sababan", DisplayName: "sababan", Bot: true})
	w.admin = w.server.AddAccount(sandbox.Account{Username: "admin", DisplayName: "Admin"})
	w.server.Follow(w.admin, w.bot)
	var err error
	w.page, err = page.New(page.Options{
		Server: w.server, Reader: w.admin, Bot: w.bot, Language: language, Phrases: []string{"status"},
		Sicknesses: []page.Sickness{{Name: "disk", Label: "Disk", How: "it looks full", Ill: w.ill.Load, Set: func(ill bool) error {
			w.ill.Store(ill)
			return nil
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	api := listen(t, "127.0.0.1:0")
	w.api = "http://" + api.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- w.server.Serve(ctx, api) }()
	stopPage := w.serve("127.0.0.1:0")
	t.Cleanup(func() {
		stopPage()
		cancel()
		w.server.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// serve serves the page, again under the same token where it ended before.
func (w *world) serve(address string) (stop func()) {
	w.t.Helper()
	ln := listen(w.t, address)
	w.host, w.address = ln.Addr().String(), w.page.Address(ln.Addr())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.page.Serve(ctx, ln) }()
	var over atomic.Bool
	w.stop = func() {
		if over.Swap(true) {
			return
		}
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	}
	return func() { w.stop() }
}

// says posts as the bot, to the admin.
func (w *world) says(text string, o sandbox.SayOptions) sandbox.Status {
	w.t.Helper()
	st, err := w.server.Say(w.bot, text+"\n@admin", o)
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

// heard are the texts that the admin wrote.
func (w *world) heard() []string {
	var all []string
	for _, st := range w.server.Statuses() {
		if st.Author.ID == w.admin.ID {
			all = append(all, st.Text)
		}
	}
	return all
}

// shows posts a picture as the bot, over the API, as the daemon does.
func (w *world) shows(text, description, visibility string) (mediaID string) {
	w.t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 320, 120))
	for x := range 320 {
		for y := range 120 {
			picture.Set(x, y, color.RGBA{uint8(x / 2), 90, uint8(200 - y), 255})
		}
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "chart.png")
	if err == nil {
		err = png.Encode(file, picture)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if description != "" {
		_ = form.WriteField("description", description)
	}
	_ = form.Close() // all of it is in memory
	var media, status struct{ ID string }
	w.post("/api/v2/media", form.FormDataContentType(), &body, &media)
	wish, _ := json.Marshal(map[string]any{"status": text, "visibility": visibility, "media_ids": []string{media.ID}})
	w.post("/api/v1/statuses", "application/json", bytes.NewReader(wish), &status)
	return media.ID
}

func (w *world) post(path, kind string, body interface{ Read([]byte) (int, error) }, into any) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.api+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+w.server.Token(w.bot))
	answer, err := client().Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s", path, answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		w.t.Fatal(err)
	}
}

// client keeps no connection open and follows nowhere.
func client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (w *world) token() string {
	return strings.Trim(strings.TrimPrefix(w.address, "http://"+w.host), "/")
}
