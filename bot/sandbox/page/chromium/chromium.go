// Package chromium drives a real Chromium in tests, by its DevTools protocol
// over a pipe: no port is opened for it.
package chromium

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// patience is how long one answer, and one condition, are waited for.
const patience = 30 * time.Second

// A Browser is one Chromium without a window. It ends with its test.
type Browser struct {
	out  *os.File
	mu   sync.Mutex
	last int
	wait map[int]chan answer
	gone chan struct{} // closed when it said its last
}

type answer struct {
	ID     int
	Result json.RawMessage
	Error  *struct{ Message string }
}

// Start starts Chromium, with what else is to be on its command line.
func Start(t testing.TB, flags ...string) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing: sudo apt-get install chromium")
	}
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// Chromium as root has no sandbox of its own.
	args := append([]string{
		"--headless", "--no-sandbox", "--remote-debugging-pipe", "--user-data-dir=" + t.TempDir(), "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--no-proxy-server", "--force-prefers-reduced-motion",
	}, flags...)
	cmd := exec.Command(path, append(args, "about:blank")...)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4, as it wants them
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.WaitDelay = time.Second // its children hold the standard error a little longer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = theirIn.Close()
	_ = theirOut.Close()
	b := &Browser{out: ourOut, wait: map[int]chan answer{}, gone: make(chan struct{})}
	go b.read(ourIn)
	t.Cleanup(func() {
		_, _ = b.ask("", "Browser.close", nil)
		_ = ourOut.Close()
		stop := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer stop.Stop()
		if err := cmd.Wait(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
			t.Logf("chromium: %v\n%s", err, said.String())
		}
		<-b.gone
	})
	return b
}

// read hands each answer to who asked. Events are not listened to.
func (b *Browser) read(in *os.File) {
	defer close(b.gone)
	defer in.Close()
	messages := bufio.NewReaderSize(in, 1<<20)
	for {
		data, err := messages.ReadBytes(0)
		if err != nil {
			return
		}
		var a answer
		if json.Unmarshal(data[:len(data)-1], &a) != nil || a.ID == 0 {
			continue
		}
		b.mu.Lock()
		waiting := b.wait[a.ID]
		delete(b.wait, a.ID)
		b.mu.Unlock()
		if waiting != nil {
			waiting <- a
		}
	}
}

func (b *Browser) ask(session, method string, params any) (json.RawMessage, error) {
	b.mu.Lock()
	b.last++
	id, mine := b.last, make(chan answer, 1)
	b.wait[id] = mine
	data, err := json.Marshal(struct {
		ID        int    `json:"id"`
		Session   string `json:"sessionId,omitempty"`
		Method    string `json:"method"`
		Parameter any    `json:"params,omitempty"`
	}{id, session, method, params})
	if err == nil {
		_, err = b.out.Write(append(data, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case a := <-mine:
		if a.Error != nil {
			return nil, fmt.Errorf("%s: %s", method, a.Error.Message)
		}
		return a.Result, nil
	case <-b.gone:
		return nil, fmt.Errorf("%s: chromium ended", method)
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

// A Tab is one page in the browser.
type Tab struct {
	t       testing.TB
	b       *Browser
	session string
}

// Open opens an address in a tab of its own and waits until it is loaded.
func (b *Browser) Open(t testing.TB, address string) *Tab {
	t.Helper()
	tab := &Tab{t: t, b: b}
	var target struct{ TargetID string }
	tab.decode("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	tab.decode("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	tab.session = attached.SessionID
	tab.Do("Page.enable", nil)
	tab.Go(address)
	return tab
}

// Go leads the tab to an address and waits until it is loaded.
func (tab *Tab) Go(address string) {
	tab.t.Helper()
	tab.Do("Page.navigate", map[string]any{"url": address})
	tab.Until(`document.readyState === 'complete' && location.href !== 'about:blank'`)
}

// Do asks for something of the protocol, and fails the test where it is refused.
func (tab *Tab) Do(method string, params any) json.RawMessage {
	tab.t.Helper()
	result, err := tab.b.ask(tab.session, method, params)
	if err != nil {
		tab.t.Fatal(err)
	}
	return result
}

func (tab *Tab) decode(method string, params, into any) {
	tab.t.Helper()
	if err := json.Unmarshal(tab.Do(method, params), into); err != nil {
		tab.t.Fatal(err)
	}
}

// Eval answers what an expression comes to in the page; a promise is waited for.
func (tab *Tab) Eval(expression string) any {
	tab.t.Helper()
	value, err := tab.eval(expression)
	if err != nil {
		tab.t.Fatalf("%s\n%v", cut(expression), err)
	}
	return value
}

// cut is the beginning of an expression.
func cut(expression string) string { return expression[:min(len(expression), 400)] }

func (tab *Tab) eval(expression string) (any, error) {
	var answer struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	result, err := tab.b.ask(tab.session, "Runtime.evaluate", map[string]any{
		"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
	})
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(result, &answer); err != nil {
		return nil, err
	}
	if e := answer.ExceptionDetails; e != nil {
		return nil, fmt.Errorf("%s %s", e.Text, e.Exception.Description)
	}
	return answer.Result.Value, nil
}

// Until waits until an expression is true. While a page is being left, it can
// not be asked.
func (tab *Tab) Until(expression string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var value any
	var err error
	for {
		if value, err = tab.eval(expression); value == true {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			said, _ := tab.eval(`document.body.innerText`)
			tab.t.Fatalf("waited in vain for %s (%v %v); the page says:\n%v", expression, value, err, said)
		}
	}
}

// Type types a text where the focus is.
func (tab *Tab) Type(text string) {
	tab.t.Helper()
	tab.Do("Input.insertText", map[string]any{"text": text})
}

// Modifiers of a key.
const (
	Control = 2
	Shift   = 8
)

// Press presses a key, such as "Tab", "Enter" or " ".
func (tab *Tab) Press(key string, modifiers int) {
	tab.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, " ": 32}
	event := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key], "modifiers": modifiers}
	if key == " " {
		event["code"] = "Space"
	}
	if modifiers == 0 && key != "Tab" {
		event["text"] = map[string]string{"Enter": "\r", " ": " "}[key]
	}
	tab.Do("Input.dispatchKeyEvent", event)
	delete(event, "text")
	event["type"] = "keyUp"
	tab.Do("Input.dispatchKeyEvent", event)
}

// Click clicks with the mouse in the middle of what a selector finds.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	name, _ := json.Marshal(selector) // a string can be written as JSON
	at, ok := tab.Eval(`(() => { const e = document.querySelector(` + string(name) + `); e.scrollIntoView({block: 'center', behavior: 'instant'});
		const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`).([]any)
	if !ok {
		tab.t.Fatalf("there is no %s", selector)
	}
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		tab.Do("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1})
	}
}

// Look sets the size of the window, in CSS pixels, and the colours that the
// person prefers: "light" or "dark".
func (tab *Tab) Look(width, height int, colours string) {
	tab.t.Helper()
	tab.Do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
	tab.Do("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": colours}, {"name": "prefers-reduced-motion", "value": "reduce"},
	}})
}

// Picture is the page as a PNG, down to its end.
func (tab *Tab) Picture() []byte {
	tab.t.Helper()
	var shot struct{ Data string }
	tab.decode("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		tab.t.Fatal(err)
	}
	return data
}
