//go:build !linux

package redis

import "syscall"

func endsWithTests() *syscall.SysProcAttr { return nil }
