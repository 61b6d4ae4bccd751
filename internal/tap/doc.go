// Package tap reads the events of one PBX beside it, and sends them to the meters of a cluster.
//
// In: the PBX, by [native.Source]. Out: its frames, gaps and snapshots as messages of package
// ari/cluster in a JetStream stream, in their order, each first written to a journal on the disk.
//
// A batch stays in the journal until a meter says that its checkpoint has passed it: JetStream
// acknowledges what is not on its disk yet, and may lose it. A meter that misses frames asks the tap
// for them. Journal and stream are bounded. While one is full the tap waits, with what comes in the
// bounded queue of its source; when that is full, too, what comes is a gap for the meters, with a
// snapshot behind it. Nothing is dropped in silence.
//
// It never decides what a frame means, and never makes the PBX wait.
package tap

// The goroutines of a [Tap], each ended and waited for by Run: the source; intake, from the queue into
// the journal; publisher, from the journal into the stream; watch, which looks at the sizes; the admin
// port. What meters ask is answered on the goroutines of the connection's subscriptions.
