package numbering

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// Each country's example numbers, and numbers near them, are in a plan exactly where the library
// finds them valid, and no mailbox.
func TestPlansAgreeWithTheLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 6))
	valid, codes := 0, phonenumbers.GetSupportedCallingCodes()
	for code := range codes {
		var examples []*phonenumbers.PhoneNumber
		for _, region := range phonenumbers.GetRegionCodesForCountryCode(code) {
			for kind := phonenumbers.FIXED_LINE; kind < phonenumbers.VOICEMAIL; kind++ {
				if n := phonenumbers.GetExampleNumberForType(region, kind); n != nil {
					examples = append(examples, n)
				}
			}
		}
		if n := phonenumbers.GetExampleNumberForNonGeoEntity(code); n != nil {
			examples = append(examples, n)
		}
		p := planOf(code)
		if p == nil || len(examples) == 0 {
			t.Fatalf("+%d has no plan, or no examples", code)
		}
		for _, n := range examples {
			national := []byte(phonenumbers.GetNationalSignificantNumber(n))
			for range 20 {
				text := string(national)
				if got, want := p.has(text), inLibrary(code, text); got != want {
					t.Errorf("+%d %s: %v, the library has %v", code, text, got, want)
				} else if got {
					valid++
				}
				i := random.IntN(len(national))
				switch random.IntN(4) {
				case 0:
					national = append(national, '7')
				case 1:
					national = national[:max(1, len(national)-1)]
				default:
					national[i] = byte('0' + random.IntN(10))
				}
			}
		}
	}
	if len(codes) < 200 || valid < 3000 {
		t.Errorf("%d codes and %d valid numbers are too few to tell", len(codes), valid)
	}
}

// inLibrary asks the library about a national number.
func inLibrary(code int, national string) bool {
	value, err := strconv.ParseUint(national, 10, 64)
	if err != nil {
		return false
	}
	zeros := int32(0)
	for zeros < int32(len(national))-1 && national[zeros] == '0' {
		zeros++
	}
	country, leading := int32(code), zeros > 0
	n := &phonenumbers.PhoneNumber{CountryCode: &country, NationalNumber: &value}
	if leading {
		n.ItalianLeadingZero, n.NumberOfLeadingZeros = &leading, &zeros
	}
	return phonenumbers.IsValidNumber(n) && phonenumbers.GetNumberType(n) != phonenumbers.VOICEMAIL
}
