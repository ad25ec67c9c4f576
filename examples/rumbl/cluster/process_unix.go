//go:build unix && !linux

package main

import "syscall"

// attributes give a node a process group of its own, so that Ctrl-C in a
// terminal is for the cluster to hear. A cluster that is killed leaves it behind.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
