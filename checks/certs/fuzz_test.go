package certs

import (
	"bufio"
	"bytes"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks/checkstest"
)

// FuzzPEM: a file gives certificates, a few, or one of the known reasons; of a
// private key nothing stays.
func FuzzPEM(f *testing.F) {
	leaf := checkstest.SelfSigned(f, checkstest.Leaf{Names: []string{"a.example"}})
	good := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.TLS().Certificate[0]})
	for _, b := range [][]byte{good, bytes.Repeat(good, 12), good[:len(good)/2], append(bytes.Clone(good), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"...), []byte("-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----"), {}, []byte(" ")} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		key := bytes.Contains(data, []byte("PRIVATE KEY"))
		chain, err := parse(data)
		if (err == nil) != (len(chain) > 0) || len(chain) > chainLimit {
			t.Errorf("%d certificates, %v", len(chain), err)
		}
		if errors.Is(err, errKey) && (!key || len(bytes.Trim(data, "\x00")) > 0) {
			t.Error("a key stays in memory")
		}
	})
}

// FuzzMailReply: a mail server's reply has few lines and few bytes, whatever it
// says.
func FuzzMailReply(f *testing.F) {
	for _, s := range []string{"220 x\r\n", "250-a\r\n250-STARTTLS\r\n250 OK\r\n", "554 no\r\n", "220-" + strings.Repeat("x", 2000), strings.Repeat("250-x\r\n", 200), "250", "250\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		lines, err := smtpReply(bufio.NewReaderSize(bytes.NewReader(said), 1024), "250")
		var no *refusal
		if len(lines) > replyLines || err != nil && lines != nil || errors.As(err, &no) && len(no.word) > 1024 {
			t.Errorf("%d lines, %v", len(lines), err)
		}
		for _, l := range lines {
			if len(l) > 1024 || strings.Contains(l, "\n") {
				t.Errorf("%q", l)
			}
		}
	})
}

// FuzzRenewal: the settings of certbot are names with values, each of one line.
func FuzzRenewal(f *testing.F) {
	f.Add("installer = nginx\nrenew-hook = systemctl reload nginx\n# x\n[renewalparams]\n")
	f.Add("=\n;=\na==\"'b'\"\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		for k, v := range settingsOf(text) {
			if k == "" || strings.ContainsAny(k+v, "\n") || strings.Contains(k, "-") {
				t.Errorf("%q = %q", k, v)
			}
		}
	})
}
