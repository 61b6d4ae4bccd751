// Package postgresdsn reads connection strings of PostgreSQL.
//
// In: a connection string in libpq's form. Out: what a pool is made with. It refuses a connection
// that would cross the network readable, or to a server that is not known to be the right one, and
// its errors quote nothing of the string: it may have a password. It never connects.
package postgresdsn

import (
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Parse reads a connection string.
func Parse(dsn string) (*pgxpool.Config, error) {
	conf, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the connection string cannot be read")
	}
	c := conf.ConnConfig.Config
	ways := []*pgconn.FallbackConfig{{Host: c.Host, TLSConfig: c.TLSConfig}}
	for _, w := range append(ways, c.Fallbacks...) {
		if ip := net.ParseIP(w.Host); w.Host == "localhost" || strings.HasPrefix(w.Host, "/") ||
			ip != nil && ip.IsLoopback() {
			continue
		}
		if t := w.TLSConfig; t == nil || t.InsecureSkipVerify || t.ServerName == "" {
			return nil, errors.New("the connection string names another machine: " +
				"add sslmode=verify-full, and sslrootcert where its certificate needs it")
		}
	}
	return conf, nil
}
