//go:build unix

package live

import (
	"os/exec"
	"syscall"
)

// ownGroup makes cmd the head of a process group, which is ended with it: a
// credential plugin that kubectl has started would live on.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
