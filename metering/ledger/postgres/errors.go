package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/risposta/gateway/metering/ledger"
)

// hide is an error without the values that PostgreSQL may quote, and without user and host.
func hide(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		if _, again := errors.AsType[*refusal](err); again {
			return err
		}
		return &refusal{pg}
	}
	if connecting, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		if pg, ok := errors.AsType[*pgconn.PgError](connecting.Unwrap()); ok {
			return fmt.Errorf("connecting to the database: %w", &refusal{pg})
		}
		return errors.New("the database cannot be reached")
	}
	return err
}

// refusal is what the server refused.
type refusal struct{ pg *pgconn.PgError }

// Error implements error.
func (r *refusal) Error() string {
	text := r.pg.Message
	if strings.HasPrefix(r.pg.Code, "22") || strings.HasPrefix(r.pg.Code, "23") {
		text = "a value was refused" // the message may quote it
	}
	text += " (SQLSTATE " + r.pg.Code
	if r.pg.ConstraintName != "" {
		text += ", constraint " + r.pg.ConstraintName
	}
	return text + ")"
}

// Unwrap lets callers see the code.
func (r *refusal) Unwrap() error { return r.pg }

func hasClass(err error, classes ...string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	for _, class := range classes {
		if ok && strings.HasPrefix(pg.Code, class) {
			return true
		}
	}
	return false
}

// isConstraint reports whether a constraint of the schema refuses a change.
func isConstraint(err error) bool { return hasClass(err, "23") }

// contradiction marks what a constraint of the schema refuses of a change of one call.
func contradiction(err error) error {
	if isConstraint(err) {
		return fmt.Errorf("%w: %w", ledger.ErrBroken, err)
	}
	return err
}

// damaged marks what PostgreSQL says of data that it cannot use any more.
func damaged(err error) error {
	if hasClass(err, "XX001", "XX002") {
		return fmt.Errorf("%w: %w", ledger.ErrDamaged, err)
	}
	return err
}
