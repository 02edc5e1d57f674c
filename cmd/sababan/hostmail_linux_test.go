package main

import (
	"testing"

	"github.com/sababan/sababan/checks/checkstest"
)

// mail is Debian's Postfix as a relay of this machine's own, which Mastodon hands
// its mail to, and a DNS that vouches for it.
func (h *host) mail(t *testing.T) {
	t.Helper()
	own := h.ca.Issue(t, checkstest.Leaf{Names: []string{"mail." + hostDomain}})
	h.Write(t, "/etc/postfix/cert.pem", string(own.FullChain()))
	h.Write(t, "/etc/postfix/key.pem", string(own.KeyPEM(t)))
	// As `dpkg-reconfigure postfix` writes it for an "Internet Site".
	h.Write(t, "/etc/postfix/main.cf", `compatibility_level = 3.6
smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
append_dot_mydomain = no
readme_directory = no
smtpd_tls_cert_file = /etc/postfix/cert.pem
smtpd_tls_key_file = /etc/postfix/key.pem
smtpd_tls_security_level = may
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = mail.`+hostDomain+`
mydestination = $myhostname, `+hostDomain+`, localhost
alias_maps =
mynetworks = 127.0.0.0/8 [::1]/128
inet_interfaces = loopback-only
inet_protocols = ipv4
default_transport = error:nothing leaves this machine
`)
	h.sh(t, "chmod 600 /etc/postfix/key.pem; systemctl enable --now postfix")
}

// names is a DNS on this machine; what it does not know does not exist.
func (h *host) names(t *testing.T) {
	t.Helper()
	h.Write(t, partFolder+"/zone", hostDomain+`. 300 IN MX 10 mail.`+hostDomain+`.
mail.`+hostDomain+`. 300 IN A 5.9.1.1
`+hostDomain+`. 300 IN TXT "v=spf1 mx -all"
_dmarc.`+hostDomain+`. 300 IN TXT "v=DMARC1; p=reject"
`)
	h.Units(t, map[string]string{
		"names.service": "[Unit]\nDescription=names\n[Service]\nExecStart=" + hostLive + "/bin/" + partCommand + " names\n[Install]\nWantedBy=multi-user.target\n",
	})
	h.sh(t, "systemctl enable --now names")
}
