package domain

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// A permission is what CAA says about the issuer of one host's certificate.
type permission struct {
	host   string
	issuer string // as the certificate names it
	// err is why it could not be seen.
	err error
	// forbidden: the records let others issue, and not this one.
	forbidden bool
	zone      string   // where the records stand
	allowed   []string // whom they let; empty for nobody
	want      string   // what would have to be added
	wildcard  bool
}

// issuers are the names of authorities in CAA records, by what stands in the
// organization of their certificates: what their own practice statements list.
var issuers = []struct {
	organization string
	names        []string
}{
	{"Let's Encrypt", []string{"letsencrypt.org"}},
	{"ISRG", []string{"letsencrypt.org"}},
	{"ZeroSSL", []string{"sectigo.com", "zerossl.com", "comodoca.com", "comodo.com", "usertrust.com", "trust-provider.com"}},
	{"Sectigo", []string{"sectigo.com", "comodoca.com", "comodo.com", "usertrust.com", "trust-provider.com"}},
	{"Google Trust Services", []string{"pki.goog"}},
	{"DigiCert", []string{"digicert.com", "www.digicert.com", "digicert.ne.jp", "symantec.com", "thawte.com", "geotrust.com", "rapidssl.com", "digitalcertvalidation.com", "cybertrust.ne.jp"}},
	{"Amazon", []string{"amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com", "aws.amazon.com"}},
	{"GlobalSign", []string{"globalsign.com"}},
	{"SSL Corp", []string{"ssl.com"}},
	{"Buypass", []string{"buypass.com", "buypass.no"}},
	{"Actalis", []string{"actalis.it"}},
	{"Certum", []string{"certum.pl", "certum.eu"}},
	{"Unizeto", []string{"certum.pl", "certum.eu"}},
	{"GoDaddy", []string{"godaddy.com", "starfieldtech.com"}},
	{"Starfield", []string{"starfieldtech.com", "godaddy.com"}},
	{"Entrust", []string{"entrust.net", "affirmtrust.com"}},
	{"HARICA", []string{"harica.gr"}},
	{"Hellenic Academic", []string{"harica.gr"}},
	{"SECOM", []string{"secomtrust.net"}},
	{"Japan Registry Services", []string{"jprs.jp"}},
	{"Cybertrust Japan", []string{"cybertrust.ne.jp", "cybertrust.co.jp", "jcsinc.co.jp"}},
	{"GMO GlobalSign", []string{"globalsign.com"}},
	{"IdenTrust", []string{"identrust.com"}},
	{"SwissSign", []string{"swisssign.com", "swisssign.net", "swissign.com"}},
	{"T-Systems", []string{"telesec.de", "t-systems.com"}},
}

// namesOf are the names of an authority in CAA; none where it is not known.
func namesOf(organization string) []string {
	for _, i := range issuers {
		if strings.Contains(strings.ToLower(organization), strings.ToLower(i.organization)) {
			return i.names
		}
	}
	return nil
}

// permissions asks, for each host, who made its certificate and whether CAA
// lets that one make the next.
func (c *check) permissions(ctx context.Context, names asker, hosts []string) []permission {
	all := make([]permission, len(hosts))
	var wait sync.WaitGroup
	for i, host := range hosts {
		wait.Go(func() {
			p := &all[i]
			p.host = host
			var covered bool
			if p.issuer, covered, p.err = c.issuer(ctx, host); p.err != nil {
				return
			}
			var records []*dns.CAA
			if records, p.zone, p.err = names.caa(ctx, host); p.err != nil {
				return
			}
			p.wildcard = !covered
			p.judge(records)
		})
	}
	wait.Wait()
	return all
}

// issuer is the authority of the certificate that a host shows, and whether the
// certificate names the host itself and not by a wildcard.
func (c *check) issuer(ctx context.Context, host string) (organization string, named bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	address := net.JoinHostPort(host, "443")
	if host == c.site.Domain && c.site.Address != "" {
		if address = c.site.Address; !strings.Contains(address, ":") || strings.Count(address, ":") > 1 && !strings.HasPrefix(address, "[") {
			address = net.JoinHostPort(address, "443")
		}
	}
	conn, err := c.out.near(ctx, "tcp", address)
	if err != nil {
		return "", false, err
	}
	defer func() { _ = conn.Close() }()
	// Nothing is sent and nothing believed: what is wrong with the certificate
	// is for the check of certificates to say.
	shake := tls.Client(conn, &tls.Config{ServerName: host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err := shake.HandshakeContext(ctx); err != nil {
		return "", false, err
	}
	leaf := shake.ConnectionState().PeerCertificates[0]
	who := strings.Join(leaf.Issuer.Organization, " ")
	if who == "" {
		who = leaf.Issuer.CommonName
	}
	return who, slices.ContainsFunc(leaf.DNSNames, func(n string) bool { return strings.EqualFold(n, host) }), nil
}

// caa are the records that hold for a host: its own, or those of the nearest
// name above it that has any (RFC 8659, 3).
func (a asker) caa(ctx context.Context, host string) (records []*dns.CAA, at string, err error) {
	name := dns.Fqdn(host)
	for strings.Count(name, ".") > 1 {
		reply, err := a.recurse(ctx, name, dns.TypeCAA)
		if err != nil {
			return nil, "", err
		}
		for _, rr := range reply.Answer {
			if r, ok := rr.(*dns.CAA); ok {
				records = append(records, r)
			}
		}
		if len(records) > 0 {
			return records, bare(name), nil
		}
		i, end := dns.NextLabel(name, 0)
		if end {
			break
		}
		name = name[i:]
	}
	return nil, "", nil
}

// judge tells whether the records let the issuer make the certificate again.
func (p *permission) judge(records []*dns.CAA) {
	mine := namesOf(p.issuer)
	if len(mine) == 0 {
		return // not known by which name it would be let
	}
	tag := "issue"
	if p.wildcard && slices.ContainsFunc(records, func(r *dns.CAA) bool { return strings.EqualFold(r.Tag, "issuewild") }) {
		tag = "issuewild"
	}
	asked, let := false, false
	for _, r := range records {
		if !strings.EqualFold(r.Tag, tag) {
			continue
		}
		asked = true
		name, _, _ := strings.Cut(r.Value, ";")
		if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
			continue
		}
		p.allowed = append(p.allowed, name)
		let = let || slices.Contains(mine, name)
	}
	p.forbidden = asked && !let
	p.want = tag + " " + mine[0]
}
