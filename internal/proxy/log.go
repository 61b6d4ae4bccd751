package proxy

// The events of the log. docs/logs.md explains each, and a test holds the two together.
const (
	evStarted      = "proxy.started"
	evStopped      = "proxy.stopped"
	evListening    = "proxy.listening"
	evIDChanged    = "proxy.id_changed"
	evFailed       = "proxy.failed"
	evRefused      = "proxy.refused"
	evConnected    = "proxy.connected"
	evDisconnected = "proxy.disconnected"
	evNotNotified  = "gateway.not_notified"
)
