package native

import (
	"fmt"
	"slices"
	"strings"
)

// Names of profiles and menus in confbridge.conf. AST_CONFIG lists no sections, so others are not
// found. ConfBridge() takes the first of each where it is given none.
var (
	userProfiles = []string{"default_user", "admin_user", "user"}
	menus        = []string{"default_menu", "sample_user_menu", "sample_admin_menu",
		"user_menu", "admin_menu"}
	menuKeys = []string{"*", "#", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
		"*0", "*1", "*2", "*3", "*4", "*5", "*6", "*7", "*8", "*9"}
)

// conferences looks for what mutes members of a conference: no event and no question shows it, and
// what they do not hear is charged.
func (i *inspector) conferences(ask query) {
	show := func(section, option string) {
		// The first ones are used without being named.
		f := i.note
		if section == userProfiles[0] || section == menus[0] {
			f = i.bad
		}
		f("confbridge.conf: [%s] has %s: a muted member's time is charged as talk, because Asterisk "+
			"does not report who is muted; take it out, or keep paid calls from such conferences",
			section, option)
	}
	for _, p := range userProfiles {
		v, ok := ask(fmt.Sprintf("AST_CONFIG(confbridge.conf,%s,startmuted)", p))
		if ok && slices.Contains([]string{"yes", "true", "y", "t", "1", "on"}, strings.ToLower(v)) {
			show(p, "startmuted = "+v)
		}
	}
	for _, m := range menus {
		for _, key := range menuKeys {
			v, ok := ask(fmt.Sprintf("AST_CONFIG(confbridge.conf,%s,%s)", m, key))
			if ok && strings.Contains(v, "toggle_mute") {
				show(m, key+" = "+v)
				break
			}
		}
	}
}
