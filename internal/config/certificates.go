package config

import (
	"crypto/x509"
	"fmt"
	"os"
)

// CertPool reads the certificates of a ca_file.
func CertPool(file string) (*x509.CertPool, error) {
	own, _, err := CertPEM(file)
	return own, err
}

// CertPEM reads the certificates of a ca_file, and returns its text as well.
func CertPEM(file string) (*x509.CertPool, []byte, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("ca_file: %w", err)
	}
	own := x509.NewCertPool()
	if !own.AppendCertsFromPEM(pem) {
		return nil, nil, fmt.Errorf("ca_file: %s holds no certificate", file)
	}
	return own, pem, nil
}
