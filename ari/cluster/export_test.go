package cluster

// EncodeEvent shows the encoding of events to tests.
var EncodeEvent = encodeEvent
