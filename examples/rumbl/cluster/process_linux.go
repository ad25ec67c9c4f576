package main

import "syscall"

// attributes give a node a process group of its own, so that Ctrl-C in a
// terminal is for the cluster to hear, and have it killed with the cluster.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
