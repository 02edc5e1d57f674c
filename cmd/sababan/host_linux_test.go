package main

import (
	"os"
	"testing"
	"time"
)

func TestHostDraft(t *testing.T) {
	h := mastodonHost(t)
	if out, err := h.Try("sababan", "check", "--verbose"); true {
		t.Log(out, err)
	}
	os.WriteFile("/tmp/sb/pid", []byte(h.Root), 0o644)
	for {
		if _, err := os.Stat("/tmp/sb/go"); err == nil {
			return
		}
		time.Sleep(time.Second)
	}
}
