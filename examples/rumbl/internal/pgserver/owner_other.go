//go:build !unix

package pgserver

import (
	"errors"
	"syscall"
)

func owner() (*syscall.SysProcAttr, error) {
	return nil, errors.New("pgserver: starts PostgreSQL on Unix only")
}
