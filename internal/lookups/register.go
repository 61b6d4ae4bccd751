package lookups

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/ledgers"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/ledger"
)

// Register prepares the register of a configuration. Where there is neither the register nor a
// ledger yet, it makes the register: nobody has been entered, and no call has been metered. Later a
// register that is missing has been lost, and is not made anew in silence.
func Register(ctx context.Context, c *config.Config) (*registry.Registry, error) {
	conf, err := registerConfig(c)
	if err != nil {
		return nil, err
	}
	if !exists(conf.Path) {
		there, err := hasLedger(ctx, c)
		if err == nil && !there {
			err = registry.Create(ctx, conf, Author())
		}
		if err != nil {
			return nil, err
		}
	}
	return registry.New(conf), nil
}

// Init makes the register where there is none, accepts it as it is where there is one, and notes it in
// the ledger, if there is one. It returns whether it made it.
func Init(ctx context.Context, c *config.Config) (made bool, err error) {
	conf, err := registerConfig(c)
	if err != nil {
		return false, err
	}
	if made = !exists(conf.Path); made {
		if err := registry.Create(ctx, conf, Author()); err != nil {
			return false, err
		}
	}
	r := registry.New(conf)
	defer func() { err = errors.Join(err, r.Close()) }()
	state, err := r.Accept(ctx, Author())
	if err != nil {
		return made, err
	}
	if there, err := hasLedger(ctx, c); err != nil || !there {
		return made, err
	}
	l, err := ledgers.Open(ctx, c.Ledger, ledger.ReadWrite)
	if err != nil {
		return made, err
	}
	return made, errors.Join(Note(ctx, l, state), l.Close())
}

func registerConfig(c *config.Config) (conf registry.Config, err error) {
	conf.Path, conf.CountryCode = c.Exemption.Registry, c.Callers.CountryCode
	conf.Known = func(ctx context.Context) (registry.State, error) { return known(ctx, c) }
	conf.Pseudonyms, err = c.Pseudonyms()
	return conf, err
}

// Note lets the ledger know the register's state.
func Note(ctx context.Context, l ledger.Registers, s registry.State) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return l.NoteRegister(ctx, text)
}

// known is what a ledger knows of the register; zero where there is no ledger yet.
func known(ctx context.Context, c *config.Config) (s registry.State, err error) {
	if there, err := hasLedger(ctx, c); err != nil || !there {
		return s, err
	}
	l, err := ledgers.Open(ctx, c.Ledger, ledger.ReadOnly)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return Known(ctx, l)
}

// Known is what an open ledger knows of the register; zero where it knows none.
func Known(ctx context.Context, l ledger.Registers) (s registry.State, err error) {
	text, err := l.NotedRegister(ctx)
	if err != nil || text == nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("reading what the ledger knows of the exemption register: %w", err)
	}
	return s, nil
}

// hasLedger reports whether a gateway has made the ledger. An empty file is none.
func hasLedger(ctx context.Context, c *config.Config) (bool, error) {
	if c.Ledger.File != "" {
		return exists(c.Ledger.File), nil
	}
	l, err := ledgers.Open(ctx, c.Ledger, ledger.ReadOnly)
	if ledgers.IsNone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, l.Close()
}

// exists reports whether there is a file with something in it, or one that cannot be looked at.
func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0 || err != nil && !errors.Is(err, fs.ErrNotExist)
}

// Author is who changes the register now: the user of the process, and who logged in, if that is
// another one, as with sudo.
func Author() registry.Author {
	name := fmt.Sprintf("uid %d", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if login := loginUser(); login != "" && login != name {
		name += " (logged in as " + login + ")"
	}
	return registry.Author{Name: name, At: time.Now()}
}

// loginUser is the user of the kernel's login uid, which stays through sudo and su; "" for none.
func loginUser() string {
	const unset = "4294967295" // of a process that no login has started
	text, err := os.ReadFile("/proc/self/loginuid")
	id := strings.TrimSpace(string(text))
	if err != nil || id == "" || id == unset {
		return ""
	}
	u, err := user.LookupId(id)
	if err != nil {
		return "uid " + id
	}
	return u.Username
}
