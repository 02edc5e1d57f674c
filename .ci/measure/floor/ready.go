// Ready is the floor of a start: it tells who waits that it is there, and ends.
package main

import (
	"net"
	"os"
)

func main() {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: os.Getenv("NOTIFY_SOCKET"), Net: "unixgram"})
	if err != nil {
		os.Exit(1)
	}
	if _, err := conn.Write([]byte("READY=1")); err != nil {
		os.Exit(1)
	}
}
