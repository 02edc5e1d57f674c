package mail

import (
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

func textWrongBox(b mailbox, last visit) checks.Text {
	name := shown(b.address)
	return checks.Lines(checks.Text{
		En: "sababan's own password for the mailbox " + name.En + " is refused",
		Ja: "sababan自身のメールボックス " + name.Ja + " にログインできません（パスワードが拒否されました）",
	}, checks.Text{
		En: "This is no fault of the server's mail. Whether it arrives there cannot be seen until the password is right.",
		Ja: "サーバーのメールの問題ではありません。パスワードが直るまで、そこにメールが届くかどうかを確認できません。",
	}, words(last.Words))
}

func textFullBox(b mailbox) checks.Text {
	name := shown(b.address)
	return checks.Lines(checks.Text{
		En: "sababan's mailbox " + name.En + " is full",
		Ja: "sababan自身のメールボックス " + name.Ja + " がいっぱいです",
	}, checks.Text{
		En: "This is no fault of the server's mail; test messages do not fit in any more.",
		Ja: "サーバーのメールの問題ではありません。テストメールが入らなくなっています。",
	})
}

// textBox tells why sababan's mailbox cannot be read.
func textBox(b mailbox, last visit) checks.Text {
	name, host := shown(b.address), shown(b.server.host)
	because, line := checks.Text{En: host.En + " does not answer", Ja: host.Ja + "が応答しません"}, checks.Text{}
	switch last.Fault {
	case unreachable:
		because = checks.Text{En: host.En + " cannot be reached", Ja: host.Ja + "につながりません"}
	case untrusted:
		c := textCertificate(last.Words)
		because = checks.Text{En: "certificate of " + host.En + ": " + c.En, Ja: host.Ja + "の証明書: " + c.Ja}
	case plain:
		because = checks.Text{En: host.En + " offers no encryption", Ja: host.Ja + "で暗号化が使えません"}
	case noTLS:
		because = checks.Text{En: "encryption with " + host.En + " fails", Ja: host.Ja + "との暗号化に失敗します"}
	case refused:
		because, line = checks.Text{En: host.En + " refuses sababan", Ja: host.Ja + "に拒否されました"}, words(last.Words)
	}
	return checks.Lines(checks.Text{
		En: "sababan's mailbox " + name.En + " cannot be read (" + because.En + ")",
		Ja: "sababan自身のメールボックス " + name.Ja + " を読めません（" + because.Ja + "）",
	}, line, checks.Text{
		En: "Whether mail arrives there cannot be seen meanwhile.",
		Ja: "その間、そこにメールが届くかどうかを確認できません。",
	})
}

func textClosed(b mailbox) checks.Text {
	name := shown(b.address)
	return checks.Text{
		En: "sababan's mailbox " + name.En + " could not be opened",
		Ja: "sababan自身のメールボックス " + name.Ja + " を開けませんでした",
	}
}

// boxes is how many of all mailboxes, and which where it is one.
func boxes(some, all []arrival) checks.Text {
	if len(all) == 1 {
		return shown(all[0].box.address)
	}
	if len(some) == 1 {
		return shown(some[0].box.address)
	}
	return checks.Text{En: fmt.Sprintf("%d of %d mailboxes", len(some), len(all)), Ja: fmt.Sprintf("メールボックス%d個中%d個", len(all), len(some))}
}

// textLost tells that messages were taken and have not come.
func textLost(lost, all []arrival, t talk, p pace) checks.Text {
	to, wait := boxes(lost, all), checks.Span(p.lost)
	newest := lost[0].memo.Last.Sent
	for _, a := range lost {
		if a.memo.Last.Sent.After(newest) {
			newest = a.memo.Last.Sent
		}
	}
	lines := []checks.Text{{
		En: "mail does not arrive: test messages to " + to.En + " are missing",
		Ja: "メールが届きません（テストメールの未着: " + to.Ja + "）",
	}}
	place := shown(t.Place)
	lines = append(lines, checks.Text{
		En: "Reached: " + place.En + " took them. Two or more in a row did not come within " + wait.En + "; the last was sent " + checks.At(newest) + ".",
		Ja: "到達した段階: " + place.Ja + " は受け付けましたが、2通以上続けて" + wait.Ja + "以内に届きませんでした。最後の送信: " + checks.At(newest),
	})
	for _, a := range all {
		if !a.memo.Last.Lost && len(all) > len(lost) {
			name, took := shown(a.box.address), checks.Span(a.memo.Last.Delay)
			lines = append(lines, checks.Text{
				En: "At " + name.En + " it arrives (after " + took.En + ").",
				Ja: name.Ja + " には届いています（" + took.Ja + "後）。",
			})
		}
	}
	return checks.Lines(append(lines, harm())...)
}

func textLate(late []arrival, usual func(string, string) (checks.Band, bool)) checks.Text {
	slowest := late[0]
	for _, a := range late {
		if a.memo.Last.Delay > slowest.memo.Last.Delay {
			slowest = a
		}
	}
	name, took := shown(slowest.box.address), checks.Span(slowest.memo.Last.Delay)
	head := checks.Text{
		En: "mail arrives late: after " + took.En + " at " + name.En,
		Ja: "メールの到着が遅れています（" + name.Ja + " に届くまで" + took.Ja,
	}
	if u, ok := usual(roundTrip, slowest.box.address); ok {
		s := checks.Span(time.Duration(u.Mid * float64(time.Second)))
		head.En += " (usually " + s.En + ")"
		head.Ja += "、普段" + s.Ja
	}
	head.Ja += "）"
	return checks.Lines(head, checks.Text{
		En: "Twice or more in a row. Security codes and links may have run out by the time they come.",
		Ja: "2回以上続いています。セキュリティコードやリンクが、届くころには期限切れになることがあります。",
	})
}

func textJunk(junk, all []arrival) checks.Text {
	where := boxes(junk, all)
	f := shown(junk[0].memo.Last.Folder)
	name := shown(junk[0].box.address)
	lines := []checks.Text{{
		En: "the server's mail ends up in the junk folder: " + where.En,
		Ja: "サーバーからのメールが迷惑メールに入ります（" + where.Ja + "）",
	}, {
		En: "The last two or more test messages to " + name.En + " lay in the folder " + f.En + ". People do not find their confirmation mail.",
		Ja: name.Ja + " へのテストメールが、2通以上続けてフォルダー「" + junk[0].folderJa() + "」に入りました。確認メールに気づいてもらえません。",
	}}
	return checks.Lines(append(lines, textSaid(junk[0]))...)
}

func (a arrival) folderJa() string {
	return checks.Shorten(checks.QuoteName(a.memo.Last.Folder), shownLimit)
}

// textSaid is what the provider of a mailbox says of the three methods.
func textSaid(a arrival) checks.Text {
	s := a.memo.Firm
	if s.By == "" {
		return checks.Text{}
	}
	by := shown(s.By)
	line := ""
	for _, one := range []struct {
		name string
		word word
	}{{"SPF", s.SPF}, {"DKIM", s.DKIM}, {"DMARC", s.DMARC}} {
		if one.word != "" {
			if line != "" {
				line += ", "
			}
			line += one.name + " " + string(one.word)
		}
	}
	if line == "" {
		return checks.Text{}
	}
	return checks.Text{En: by.En + " says: " + line + ".", Ja: by.Ja + " の判定: " + strings.ReplaceAll(line, ", ", "、")}
}
