package postgresdsn_test

import (
	"strings"
	"testing"

	"github.com/risposta/gateway/internal/postgresdsn"
)

// Callers' numbers and records cross the network to a database whose certificate is verified, or
// not at all.
func TestRemoteDatabaseNeedsAVerifiedCertificate(t *testing.T) {
	const secret = "s3cret-text"
	for dsn, ok := range map[string]bool{
		"host=db.example user=r":                                       false,
		"host=db.example user=r sslmode=disable":                       false,
		"host=db.example user=r sslmode=prefer":                        false,
		"host=db.example user=r sslmode=require":                       false,
		"host=db.example user=r sslmode=verify-ca":                     false,
		"host=db.example user=r sslmode=verify-full":                   true,
		"postgres://r:" + secret + "@192.0.2.1/x?sslmode=require":      false,
		"postgres://r:" + secret + "@db.example/x?sslmode=verify-full": true,
		"host=localhost,db.example user=r sslmode=disable":             false,
		"host=localhost user=r sslmode=disable":                        true,
		"host=127.0.0.1 user=r":                                        true,
		"host=::1 user=r sslmode=disable":                              true,
		"host=/run/postgresql user=r":                                  true,
	} {
		_, err := postgresdsn.Parse(dsn)
		if (err == nil) != ok {
			t.Errorf("%s: %v, want accepted: %v", dsn, err, ok)
		}
		if err != nil && (!strings.Contains(err.Error(), "sslmode=verify-full") ||
			strings.Contains(err.Error(), secret)) {
			t.Errorf("%s: the error must name the cure and no secret: %v", dsn, err)
		}
	}
}
