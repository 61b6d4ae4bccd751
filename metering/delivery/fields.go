package delivery

import (
	"strings"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

func gross(r *metering.Record) tariff.Amount   { return r.Charge }
func net(r *metering.Record) tariff.Amount     { return r.Net }
func tax(r *metering.Record) tariff.Amount     { return r.Tax }
func talkMs(r *metering.Record) int64          { return r.TalkMs }
func billableSeconds(r *metering.Record) int64 { return r.BillableSeconds }

// identity are the fields that each system gets.
var identity = Fields{
	{"event", Text, func(e *Event) any { return string(e.Kind) }},
	{"record", Text, func(e *Event) any { return e.Record.Record }},
	{"record_name", Text, func(e *Event) any { return e.RecordName() }},
	{"version", Number, func(e *Event) any { return int64(e.Record.Version) }},
}

// others are the fields that a system gets where it is to. docs/delivery.md explains each.
var others = Fields{
	{"node", Text, func(e *Event) any { return e.Record.Node }},
	{"call", Text, func(e *Event) any { return string(e.Record.Call) }},
	{"service", Text, func(e *Event) any { return e.Record.Service }},
	{"caller", Text, func(e *Event) any { return optional(e.Record.Caller) }},
	{"caller_also", Text, func(e *Event) any {
		return optional(strings.Join(e.Record.CallerAlso, " "))
	}},
	{"trunk", Text, func(e *Event) any { return optional(e.Record.Trunk) }},
	{"attestation", Text, func(e *Event) any { return optional(string(e.Record.Attestation)) }},
	{"arrived_at", Instant, func(e *Event) any { return e.Record.ArrivedAt.Time }},
	{"ended_at", Instant, func(e *Event) any { return e.Record.EndedAt.Time }},
	{"outcome", Text, func(e *Event) any { return string(e.Record.Outcome) }},
	{"state", Text, func(e *Event) any { return optional(e.Record.State) }},
	{"queues", JSON, func(e *Event) any { return raw(true, e.Record.Queues) }},
	{"talk", JSON, func(e *Event) any { return raw(true, e.Record.Talk) }},
	{"waited_ms", Number, func(e *Event) any { return e.Record.WaitedMs }},
	{"held_ms", Number, func(e *Event) any { return e.Record.HeldMs }},
	{"unseen_ms", Number, func(e *Event) any { return e.Record.UnseenMs }},
	{"talk_ms", Number, func(e *Event) any { return e.Record.TalkMs }},
	{"talk_ms_change", Number, func(e *Event) any { return e.change(talkMs) }},
	{"billable_seconds", Number, func(e *Event) any { return e.Record.BillableSeconds }},
	{"billable_seconds_change", Number, func(e *Event) any { return e.change(billableSeconds) }},
	{"exempt", Flag, func(e *Event) any { return e.Record.Exempt }},
	{"exemption_ref", Text, func(e *Event) any { return optional(e.Record.ExemptionRef) }},
	{"tariff", Text, func(e *Event) any { return optional(e.Record.Tariff) }},
	{"policy", Text, func(e *Event) any { return optional(e.Record.Policy) }},
	{"numbers", Text, func(e *Event) any { return optional(strings.Join(e.Record.Numbers, " ")) }},
	{"announcement", JSON, func(e *Event) any {
		return raw(e.Record.Announcement != nil, e.Record.Announcement)
	}},
	{"survey", JSON, func(e *Event) any { return raw(e.Record.Survey != nil, e.Record.Survey) }},
	{"currency", Text, func(e *Event) any { return e.Record.Charge.Currency }},
	{"gross", Money, func(e *Event) any { return e.Record.Charge }},
	{"net", Money, func(e *Event) any { return taxed(e, e.Record.Net) }},
	{"tax", Money, func(e *Event) any { return taxed(e, e.Record.Tax) }},
	{"tax_percent", Text, func(e *Event) any { return optional(e.Record.TaxPercent) }},
	{"gross_minor", Number, func(e *Event) any { return e.Record.Charge.Minor }},
	{"gross_change", Money, func(e *Event) any { return e.changed(gross) }},
	{"net_change", Money, func(e *Event) any { return taxed(e, e.changed(net)) }},
	{"tax_change", Money, func(e *Event) any { return taxed(e, e.changed(tax)) }},
	{"gross_change_minor", Number, func(e *Event) any { return e.changed(gross).Minor }},
	{"reasons", Text, func(e *Event) any { return reasons(e.Record.Reasons) }},
	{"evidence_events", Number, func(e *Event) any { return int64(e.Record.Evidence.Events) }},
	{"evidence_digest", Text, func(e *Event) any { return e.Record.Evidence.Digest }},
	{"detail_erased", Flag, func(e *Event) any { return e.Record.DetailErased }},
	{payerField, Text, func(e *Event) any { return optional(payerText(e.Payer)) }},
}

func reasons(all []metering.Reason) string {
	texts := make([]string, len(all))
	for i, r := range all {
		texts[i] = string(r)
	}
	return strings.Join(texts, " ")
}
