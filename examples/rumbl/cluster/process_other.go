//go:build !unix

package main

import "syscall"

func attributes() *syscall.SysProcAttr { return nil }
