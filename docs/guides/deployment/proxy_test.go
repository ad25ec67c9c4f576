package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// proxies start a proxy with the configuration of the guide in front of two nodes. They return where it listens.
var proxies = map[string]func(t *testing.T, nodes []*node, cert, key string) string{
	"nginx": startNginx,
	"Caddy": startCaddy,
}

// startNginx runs nginx as in the guide, but for addresses and where it writes.
func startNginx(t *testing.T, nodes []*node, cert, key string) string {
	t.Helper()
	addr, folder := net.JoinHostPort("127.0.0.1", freePort(t)), t.TempDir()
	conf := rewrite(t, "nginx.conf", folder,
		"http {", "user root; error_log stderr; pid nginx.pid; daemon off;\nhttp { access_log off; client_body_temp_path body; proxy_temp_path proxy;",
		"listen 443 ssl", "listen "+addr+" ssl",
		"server 10.0.0.11:4000;", "server "+nodes[0].addr+";",
		"server 10.0.0.12:4000;", "server "+nodes[1].addr+";",
		"/etc/ssl/example.com/fullchain.pem", cert,
		"/etc/ssl/example.com/privkey.pem", key,
	)
	nginx := program(t, "nginx", "/usr/sbin/nginx")
	check(t, nginx, "-t", "-e", "stderr", "-p", folder, "-c", conf)
	start(t, syscall.SIGTERM, nginx, "-e", "stderr", "-p", folder, "-c", conf)
	return addr
}

// startCaddy runs Caddy as in the guide, but for addresses and the certificate, which it would ask a real authority for.
func startCaddy(t *testing.T, nodes []*node, cert, key string) string {
	t.Helper()
	addr, folder := net.JoinHostPort("127.0.0.1", freePort(t)), t.TempDir()
	t.Setenv("HOME", folder)
	host, port, _ := net.SplitHostPort(addr)
	_, operatorsPort, _ := net.SplitHostPort(nodes[0].operators)
	conf := rewrite(t, "Caddyfile", folder,
		"example.com {", "{\n admin off\n auto_https disable_redirects\n}\nexample.com:"+port+" {\n bind "+host+"\n tls "+cert+" "+key,
		"10.0.0.11:4000", nodes[0].addr,
		"10.0.0.12:4000", nodes[1].addr,
		"health_port 4001", "health_port "+operatorsPort,
	)
	caddy := program(t, "caddy", "/usr/bin/caddy")
	check(t, caddy, "validate", "--adapter", "caddyfile", "--config", conf)
	start(t, syscall.SIGQUIT, caddy, "run", "--adapter", "caddyfile", "--config", conf)
	return addr
}

// rewrite copies a file of the guide into a folder with parts replaced, each of which must be there.
func rewrite(t *testing.T, name, folder string, replacements ...string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replacements); i += 2 {
		if !bytes.Contains(text, []byte(replacements[i])) {
			t.Fatalf("%s has no %q", name, replacements[i])
		}
	}
	copied := filepath.Join(folder, name)
	text = []byte(strings.NewReplacer(replacements...).Replace(string(text)))
	if err := os.WriteFile(copied, text, 0o600); err != nil { //nolint:gosec // a folder of the test's own
		t.Fatal(err)
	}
	return copied
}

func program(t *testing.T, name, usual string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if _, err := os.Stat(usual); err != nil {
		t.Fatalf("no %s: install it, on Debian by apt-get install %[1]s, or run tools/need %[1]s as root", name)
	}
	return usual
}

func check(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", program, args[0], err, out)
	}
}

// start runs a program until the end of the test, when the signal ends it at once.
func start(t *testing.T, end syscall.Signal, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(end)
		cmd.Wait()
	})
}

// certify makes a certificate for a host, in files.
func certify(t *testing.T, host string) (roots *x509.CertPool, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(parsed)
	folder := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return roots, write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", pkcs8)
}
