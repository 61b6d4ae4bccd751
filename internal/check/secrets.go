package check

import (
	"fmt"
	"net"
	"net/url"
)

// examplePassword is the one of deploy/asterisk, which everybody knows.
const examplePassword = "change-me"

// secrets reports passwords that everybody knows, unless they guard loopback alone, and what is wrong
// with the files of secrets.
func (c Checks) secrets() {
	for i, p := range c.conf.PBX {
		key := fmt.Sprintf("pbx[%d]", i)
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
	c.files()
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
