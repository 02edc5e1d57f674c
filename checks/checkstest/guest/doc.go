// Package guest boots a second systemd beside that of the machine, for tests: a
// real `systemd --system` with its own D-Bus and journal as PID 1 of namespaces
// of its own, on a throw-away copy of this machine's files. Units can be
// written, started, broken and mended in it; nothing of it stays.
//
// It needs Linux, root, systemd and dbus.
package guest
