package cluster

// What tests see of the package.
var (
	EncodeEvent   = encodeEvent
	ConnectURI    = connectURI
	WithoutSecret = withoutSecret
)
