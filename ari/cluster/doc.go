// Package cluster carries what the PBXs of a cluster do to the meters, over NATS JetStream.
//
// In: the frames of one PBX, as [ari.Source] delivers them to the tap beside that PBX (internal/tap).
// Out: the same frames in the same order in the [ari.Queue] of a meter ([Source]), each with a
// [Position] from which another meter can go on.
//
// # Messages
//
// The tap numbers the frames of its PBX: a [Place] is a run of the tap and a sequence in it. It sends
// them in batches, one message for each piece that it has read (100 ms; 10 ms while a caller is at the
// front desk), on a subject of the node ([Subject]). A message is a header and a body:
//
//	version   one byte, [Version]
//	node      its length, then its bytes
//	run       of all frames of the batch
//	first     the sequence of the first one
//	count     how many there are
//	after     run and sequence of the frame before the first one; 0 0: the tap does not know it
//	part      of the body, from 0
//	parts     of the body; more than 1 where it is longer than a message may be
//	body      the frames, compressed (Zstandard, RFC 8878)
//
// Every number is an unsigned varint. A frame in the body is a kind (1: of the PBX, 2: an event of the
// source), when it arrived and when its heartbeat was sent by the boot clock of the tap's machine, in
// nanoseconds, its whole length where only its front follows, the length of its content, and its
// content: the bytes of the PBX, or the event in JSON. What a batch follows stands in itself, so a
// reader sees a hole without knowing how many there should be.
//
// A message has callers' numbers in clear: a meter needs them. NATS must be reached by TLS, and its
// accounts must give the subjects to taps and meters only (docs/tap.md).
//
// The package never writes to a disk, and never drops a frame in silence: what is missing is asked of
// the tap, and what the tap does not have is a gap.
package cluster
