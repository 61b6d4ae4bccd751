package talkpath

import (
	"strings"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// updateQueue reads from the dialplan of the caller's channel, or of a Local channel that it dialled
// to reach the service, in which queue the caller waits. A channel in a bridge waits in none, whatever
// the dialplan shows: during a transfer Asterisk shows the new extension while the Queue() of the
// old one still runs. After a transfer by keys Asterisk
// sends no event about the new Queue(). It shows first when the queue dials a member, and at the
// latest when one answers.
func (g *Graph) updateQueue(c *call, ev *ari.Event, out *Result) {
	shown := &ev.Channel
	if ev.Kind == ari.Dial {
		shown = &ev.Caller
	}
	l := g.legs[shown.ID]
	if l == nil || l.caller() != c.caller {
		return
	}
	name := ""
	if shown.App == "Queue" {
		name, _, _ = strings.Cut(shown.AppData, ",") // Queue(name,options,...)
	}
	if l != c.caller && shown.ID != c.queueLeg && (name == "" || c.queue != "") {
		return // a Local channel that rings a member of the queue, or leads elsewhere
	}
	switch ev.Kind {
	case ari.ChannelDialplan:
		if l.bridge != nil {
			return
		}
	case ari.Dial:
		if l.bridge != nil || name == "" || name == c.queue {
			return
		}
	case ari.ChannelEnteredBridge:
		if name == "" || name == c.via {
			return
		}
	default:
		return
	}
	g.leaveQueue(c, ev.At, out)
	c.queue, c.via, c.queueLeg = name, name, l.id
	if name != "" {
		out.fact(metering.Fact{Kind: metering.QueueJoined, Call: c.id, At: ev.At, Queue: name})
	}
}

func (g *Graph) leaveQueue(c *call, at time.Time, out *Result) {
	if c.queue != "" {
		out.fact(metering.Fact{Kind: metering.QueueLeft, Call: c.id, At: at, Queue: c.queue})
		c.queue = ""
	}
}

// updateChoice reads the dialplan's mark that the caller has chosen an operator, on the caller's
// channel or on a Local channel that it dialled to reach the service. The first one counts.
func (g *Graph) updateChoice(c *call, ev *ari.Event, out *Result) {
	l := g.legs[ev.Channel.ID]
	if ev.Variable != ari.VarChoice || c.chosen || l == nil || l.caller() != c.caller {
		return
	}
	c.chosen = true
	out.fact(metering.Fact{Kind: metering.CallerChose, Call: c.id, At: ev.At})
}
