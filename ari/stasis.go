package ari

// DefaultApplication is the name of the gateway's Stasis application where the configuration gives
// none. The dialplan of deploy/asterisk uses it.
const DefaultApplication = "risposta"

// What the dialplan asks of the front desk, as the argument of Stasis().
const (
	AskAnnouncement = "announce"
	AskSurvey       = "survey"
	AskText         = "text" // what the caller will hear, as a text for SendText()
)
