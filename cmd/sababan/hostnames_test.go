package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/miekg/dns"
)

// namesPart is a DNS server with what stands in the zone file.
func namesPart(ctx context.Context) error {
	f, err := os.Open(filepath.Join(partFolder, "zone"))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var all []dns.RR
	lines := dns.NewZoneParser(f, ".", "zone")
	for one, ok := lines.Next(); ok; one, ok = lines.Next() {
		all = append(all, one)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		return err
	}
	server := dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, asked *dns.Msg) {
		_ = w.WriteMsg(answerFrom(all, asked))
	})}
	stop := context.AfterFunc(ctx, func() { _ = server.Shutdown() })
	defer stop()
	return server.ActivateAndServe()
}

func answerFrom(all []dns.RR, asked *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(asked)
	m.Rcode = dns.RcodeNameError
	for _, one := range all {
		q := asked.Question[0]
		if !strings.EqualFold(one.Header().Name, q.Name) {
			continue
		}
		m.Rcode = dns.RcodeSuccess
		if one.Header().Rrtype == q.Qtype {
			m.Answer = append(m.Answer, one)
		}
	}
	return m
}
