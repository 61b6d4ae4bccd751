package check

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
)

// examplePassword is the one of deploy/asterisk, which everybody knows.
const examplePassword = "change-me"

// secrets reports secrets that other users of the machine can read, and passwords that everybody
// knows, unless they guard loopback alone.
func (c Checks) secrets() {
	files := map[string]string{
		"callers.key_file": c.conf.Callers.KeyFile, "ledger.key_file": c.conf.Ledger.KeyFile,
		"exemption.sql.dsn_file":    c.conf.Exemption.SQL.DSNFile,
		"exemption.http.token_file": c.conf.Exemption.HTTP.TokenFile,
		"exemption.registry":        c.conf.Exemption.Registry,
	}
	for i, p := range c.conf.Ledger.Heads {
		files[fmt.Sprintf("ledger.heads[%d].token_file", i)] = p.TokenFile
	}
	for i, p := range c.conf.PBX {
		key := fmt.Sprintf("pbx[%d]", i)
		files[key+".password_file"] = p.PasswordFile
		files[key+".listen.password_file"] = p.Listen.PasswordFile
		files[key+".listen.key_file"] = p.Listen.KeyFile
		u, err := url.Parse(p.URL)
		if err == nil && !loopback(u.Hostname()) && p.Password.Reveal() == examplePassword {
			c.fail(key+".password", "is the example's, which everybody knows: set another, here and in ari.conf")
		}
		host, _, err := net.SplitHostPort(p.Listen.Address)
		if err == nil && !loopback(host) && p.Listen.Password.Reveal() == examplePassword {
			c.fail(key+".listen.password",
				"is the example's, which everybody knows: set another, here and in websocket_client.conf")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(files)) {
		file := files[key]
		if file == "" {
			continue
		}
		if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o007 != 0 {
			c.fail(key, "%s is readable or writable by every user (%s): chmod o= %[1]s", file,
				info.Mode().Perm())
		}
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
