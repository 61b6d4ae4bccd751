package metering

// Attestation is who vouches that a call comes from the number that it shows. A number by itself
// proves nothing: whoever calls can send any.
type Attestation string

// The attestations. A to C are the levels of STIR/SHAKEN (RFC 8588) of a signature that the PBX has
// verified.
const (
	AttestationUnknown Attestation = ""       // nobody was asked, or there was no answer
	AttestedByTrunk    Attestation = "trunk"  // the configuration trusts the trunk
	AttestedFull       Attestation = "A"      // the carrier knows its customer, and that the number is theirs
	AttestedPartly     Attestation = "B"      // the carrier knows its customer, not the number
	AttestedGateway    Attestation = "C"      // the carrier knows only where the call came in
	AttestationFailed  Attestation = "failed" // the signature is not a good one
	AttestationNone    Attestation = "none"   // there is no signature, or the trunk is not trusted
)

// Vouches reports whether somebody vouches for the number itself.
func (a Attestation) Vouches() bool { return a == AttestedByTrunk || a == AttestedFull }

// ParseAttestation reads the text of an attestation; ok is false for any other.
func ParseAttestation(s string) (a Attestation, ok bool) {
	switch a = Attestation(s); a {
	case AttestationUnknown, AttestedByTrunk, AttestedFull, AttestedPartly, AttestedGateway,
		AttestationFailed, AttestationNone:
		return a, true
	default:
		return AttestationUnknown, false
	}
}
