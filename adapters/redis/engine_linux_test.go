package redis

import "syscall"

// endsWithTests lets no server outlive tests that crash.
func endsWithTests() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
