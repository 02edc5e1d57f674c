//go:build !linux

package child

import "os/exec"

// start starts a command; where a thread has no priority of its own, an idle
// one runs like any other.
func start(cmd *exec.Cmd, _ bool) error { return cmd.Start() }
