//go:build linux

// Package cluster shows that nodes in networks of their own are one: it runs three of the conformance application in network
// namespaces, with real clients, and with real faults. It needs root, ip and nft.
//
//	ROOST_SOAK=1     the long forms, with figures
//	ROOST_NO_NETNS=1 skips all of it
package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/roost-dev/roost/internal/conformance/rig"
)

// program is the conformance application.
var program string

var soak = os.Getenv("ROOST_SOAK") != ""

func TestMain(m *testing.M) {
	if os.Getenv("ROOST_NO_NETNS") != "" {
		fmt.Println("skipped: ROOST_NO_NETNS is set")
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "roost-cluster")
	if err == nil {
		defer os.RemoveAll(folder)
		err = prepare(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func prepare(folder string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("these tests make network namespaces, which takes root; ROOST_NO_NETNS=1 skips them")
	}
	// Debian keeps them where only root's PATH leads.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return err
	}
	for name, pkg := range map[string]string{"ip": "iproute2", "nft": "nftables"} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%w; tools/need %s installs it on Debian, ROOST_NO_NETNS=1 skips these tests", err, pkg)
		}
	}
	if err := removeStale(); err != nil {
		return err
	}
	var err error
	program, err = rig.BuildConformance(folder)
	return err
}
