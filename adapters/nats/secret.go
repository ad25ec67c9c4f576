package nats

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// minSecret is what a secret must have, in bytes, where other machines can
// reach the node. Whoever can gets a signature made with a key that comes from
// the secret, and can try secrets at home; so it must be one that nobody
// thought up, and 16 random bytes are out of reach.
const minSecret = 16

// nodeName is whom nodes' certificates are for: any node of the cluster.
const nodeName = "node.roost"

// The validity of certificates has no meaning beyond that of the secret, and
// clocks may be wrong.
var (
	validFrom  = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	validUntil = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

// derive makes a key for one purpose of one cluster out of the secret.
func derive(secret, namespace, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "roost nats "+purpose+" "+namespace, 32)
	if err != nil {
		panic(err) // only lengths are wrong
	}
	return key
}

// routePassword is what nodes tell each other besides their certificates.
func routePassword(secret, namespace string) string {
	return hex.EncodeToString(derive(secret, namespace, "password"))
}

// secretTLS is TLS between nodes that share a secret: the secret gives all of
// them the key of one authority, which signs each node's own certificate. A
// node takes a connection, made or accepted, only with such a certificate.
func secretTLS(secret, namespace string) (*tls.Config, error) {
	authorityKey := ed25519.NewKeyFromSeed(derive(secret, namespace, "authority"))
	authority := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "roost"},
		NotBefore:             validFrom,
		NotAfter:              validUntil,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	node, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: nodeName},
		DNSNames:     []string{nodeName},
		NotBefore:    validFrom,
		NotAfter:     validUntil,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, authority, public, authorityKey)
	if err != nil {
		return nil, err
	}
	encoded, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return nil, err
	}
	if authority, err = x509.ParseCertificate(encoded); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	return &tls.Config{
		Certificates:           []tls.Certificate{{Certificate: [][]byte{node}, PrivateKey: key}},
		MinVersion:             tls.VersionTLS13,
		ServerName:             nodeName,
		RootCAs:                pool,
		ClientCAs:              pool,
		ClientAuth:             tls.RequireAndVerifyClientCert,
		SessionTicketsDisabled: true,
	}, nil
}

// nodeTLS is what nodes speak with each other. nil: plain TCP, which is for
// nodes on one machine.
func (o *EmbedOptions) nodeTLS(listen, namespace string) (*tls.Config, error) {
	switch {
	case o.Secret == "" && !isLoopback(listen):
		return nil, fmt.Errorf("nats: to listen on %q, which other machines may reach, EmbedOptions.Secret must be set", listen)
	case o.Secret == "" && o.TLS != nil:
		return nil, errors.New("nats: EmbedOptions.TLS needs EmbedOptions.Secret too")
	case o.Secret == "":
		return nil, nil
	case len(o.Secret) < minSecret && !isLoopback(listen):
		return nil, fmt.Errorf("nats: EmbedOptions.Secret has %d bytes, and needs %d or more, as openssl rand -base64 32 makes them",
			len(o.Secret), minSecret)
	case o.TLS == nil:
		return secretTLS(o.Secret, namespace)
	case o.TLS.ClientAuth != tls.RequireAndVerifyClientCert || o.TLS.InsecureSkipVerify:
		return nil, errors.New("nats: EmbedOptions.TLS must verify both ends: ClientAuth tls.RequireAndVerifyClientCert, no InsecureSkipVerify")
	case len(o.TLS.Certificates) == 0 && (o.TLS.GetCertificate == nil || o.TLS.GetClientCertificate == nil):
		return nil, errors.New("nats: EmbedOptions.TLS needs a certificate, for both ends of a connection")
	}
	return o.TLS, nil
}

// isLoopback reports whether only this machine can reach an address.
func isLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
