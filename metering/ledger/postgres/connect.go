package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/internal/postgresdsn"
)

// schema is where the tables are.
const schema = "risposta"

// oldestServer is the oldest major version that the tests run on.
const oldestServer = 15

// use is what the connections of a pool are for.
type use uint8

const (
	reading use = iota
	writing
)

// maxConns bounds the connections of one process for each use.
const maxConns = 8

// The times that bound how long a dead peer is waited for. A transaction whose client is paused or
// cut off ends before a lease does, so that it keeps nobody from taking the node.
const (
	connectTimeout = 5 * time.Second
	changeTimeout  = 5 * time.Second // of one transaction that changes something
	idleTimeout    = 2 * time.Second // of a transaction whose client does nothing
	deadPeer       = 3 * time.Second // of a peer that acknowledges nothing
)

// parse reads a connection string, and adds what each connection is set to.
func parse(dsn string) (*pgxpool.Config, error) {
	conf, err := postgresdsn.Parse(dsn)
	if err != nil {
		return nil, fmt.Errorf("dsn: %w", err)
	}
	conf.MaxConns = maxConns
	c := conf.ConnConfig
	c.ConnectTimeout = connectTimeout
	c.DialFunc = dialer().DialContext
	for name, value := range map[string]string{
		"application_name": "risposta", "search_path": schema, "synchronous_commit": "on",
		"client_encoding": "UTF8", "lock_timeout": millisText(changeTimeout),
		"tcp_keepalives_idle": "1", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "3",
		"tcp_user_timeout": millisText(deadPeer),
	} {
		c.RuntimeParams[name] = value
	}
	conf.AfterConnect = checkServer
	return conf, nil
}

func millisText(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// dialer notices a server that acknowledges nothing.
func dialer() *net.Dialer {
	return &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: time.Second, Interval: time.Second, Count: 3,
		},
		Control: func(network, _ string, raw syscall.RawConn) (err error) {
			if !strings.HasPrefix(network, "tcp") {
				return nil
			}
			failed := raw.Control(func(fd uintptr) {
				err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT,
					int(deadPeer.Milliseconds()))
			})
			return errors.Join(failed, err)
		},
	}
}

// connect opens a pool, and tries it.
func connect(ctx context.Context, conf *pgxpool.Config, use use) (*pgxpool.Pool, error) {
	conf = conf.Copy()
	params := conf.ConnConfig.RuntimeParams
	switch use {
	case reading: // as long as it takes: whoever reads may be slow
		params["default_transaction_read_only"] = "on"
	case writing:
		params["statement_timeout"] = millisText(changeTimeout)
		params["idle_in_transaction_session_timeout"] = millisText(idleTimeout)
	}
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, errors.New("dsn: the connection string cannot be used")
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, hide(err)
	}
	return pool, nil
}

// checkServer refuses a server on which a commit is not durable when it returns. Each new
// connection is checked: the server may have been started anew with other settings, or a pooler may
// drop ours.
func checkServer(ctx context.Context, conn *pgx.Conn) error {
	var version int
	var fsync, commit, encoding string
	err := conn.QueryRow(ctx, `
		SELECT current_setting('server_version_num')::int / 10000, current_setting('fsync'),
			current_setting('synchronous_commit'), current_setting('server_encoding')`).
		Scan(&version, &fsync, &commit, &encoding)
	switch {
	case err != nil:
		return hide(err)
	case version < oldestServer:
		return fmt.Errorf("the server is PostgreSQL %d: it must be %d or later", version, oldestServer)
	case fsync != "on":
		return errors.New("the server has fsync=off: a crash of its machine would lose what was " +
			"committed; set fsync=on in postgresql.conf, and start it again")
	case commit != "on":
		return fmt.Errorf("the session has synchronous_commit=%s although it asked for on: connect "+
			"without the pooler that drops settings", commit)
	case encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s: make one with ENCODING 'UTF8'", encoding)
	}
	return nil
}
