package tap

// The events of the log. internal/logs explains each; those of the PBX are the gateway's, too.
const (
	evStarted        = "tap.started"
	evStopped        = "tap.stopped"
	evConnected      = "tap.nats_connected"
	evDisconnected   = "tap.nats_lost"
	evRefused        = "tap.nats_refused"
	evJournalFailed  = "tap.journal_failed"
	evJournalFilling = "tap.journal_filling"
	evJournalFull    = "tap.journal_full"
	evStreamFilling  = "tap.stream_filling"
	evStreamFull     = "tap.stream_full"
	evStreamUnseen   = "tap.stream_unseen"
	evPublishFailed  = "tap.publish_failed"
	evRequestRefused = "tap.request_refused"
	evTooLong        = "tap.snapshot_too_long"

	evNotNotified    = "gateway.not_notified"
	evAdminRefused   = "gateway.admin_refused"
	evUnreachable    = "pbx.unreachable"
	evSyncLost       = "pbx.sync_lost"
	evSynced         = "pbx.synced"
	evOverflow       = "pbx.inbox_overflow"
	evUnnamed        = "pbx.unnamed"
	evNotFiltered    = "pbx.not_filtered"
	evLoginRefused   = "pbx.login_refused"
	evListenerFailed = "pbx.listener_failed"
	evNotResumed     = "calls.not_resumed"
)
