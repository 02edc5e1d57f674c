package systemd

import (
	"context"
	"errors"

	"github.com/sababan/sababan/checks"
)

// Unseen says for a person why the manager could not be asked.
func Unseen(err error) *checks.Unseen {
	switch {
	case errors.Is(err, ErrAbsent):
		return &checks.Unseen{
			Why: checks.Text{
				En: "this machine is not run by systemd",
				Ja: "このマシンではsystemdが動いていません",
			},
			Err: err,
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &checks.Unseen{
			Why: checks.Text{
				En: "systemd did not answer in time",
				Ja: "systemdから時間内に応答がありません",
			},
			Advice: checks.Advice{
				Text: checks.Text{
					En: "The system bus may be hanging; then services cannot be started or stopped either.",
					Ja: "システムバス（D-Bus）が固まっていると、サービスの起動や停止もできません。",
				},
				Look: checks.Sh("systemctl", "status", "dbus.service"),
			},
			Err: err,
		}
	}
	return &checks.Unseen{
		Why: checks.Text{
			En: "systemd could not be asked",
			Ja: "systemdに問い合わせできませんでした",
		},
		Advice: checks.Advice{
			Text: checks.Text{
				En: "It is asked through /run/dbus/system_bus_socket; a service needs AF_UNIX among its RestrictAddressFamilies.",
				Ja: "/run/dbus/system_bus_socketに接続します。サービスとして動かす場合はRestrictAddressFamiliesにAF_UNIXが必要です。",
			},
			Look: checks.Sh("systemctl", "status", "dbus.service"),
		},
		Err: err,
	}
}
