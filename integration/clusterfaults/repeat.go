package main

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/risposta/gateway/ari/cluster"
)

// repeated marks what the repeater has sent.
const repeated = "Lab-Repeated"

// repeat publishes everything that goes over NATS once more, until the returned function is called: so
// the stream has every frame twice, without the id by which the server would drop one.
func (s *testRun) repeat() (stop func(), err error) {
	conn, err := nats.Connect(s.cluster.NATS[0].URL(), nats.MaxReconnects(-1))
	if err != nil {
		return nil, fmt.Errorf("connecting the repeater: %w", err)
	}
	subjects := []string{cluster.AllSubjects}
	for _, node := range s.shape.nodes {
		subjects = append(subjects, cluster.PassedSubject(node), cluster.AskSubject(node))
	}
	for _, subject := range subjects {
		_, err := conn.Subscribe(subject, func(m *nats.Msg) {
			if m.Header.Get(repeated) != "" {
				return
			}
			again := nats.NewMsg(m.Subject)
			again.Data = m.Data
			again.Header.Set(repeated, "1")
			_ = conn.PublishMsg(again) // what is not sent is not repeated
		})
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("repeating %s: %w", subject, err)
		}
	}
	return conn.Close, conn.Flush()
}
