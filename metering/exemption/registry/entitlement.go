package registry

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// Entitlement is what exempts a caller.
type Entitlement struct {
	Ref      string // opaque; "": Add makes one
	Category string // stays in the register
	From     time.Time
	Until    time.Time // the first instant after it; zero: no end
	Added    time.Time
	Revoked  time.Time // zero: not revoked
	CodeUses int64     // how often its code was used
	CodeUsed time.Time // when it last was; zero: never
}

// Grant is an entitlement to add, and its holder: a number, a code, or both.
type Grant struct {
	Entitlement
	Number metering.Number
	Code   string
	Line   int // in the list that it came with; 0: none
}

// maxCategory is the length of the longest category, in characters: room for the name of a law.
const maxCategory = 200

var codeForm = regexp.MustCompile(`^[0-9]{8,12}$`)

// Check returns one error for each field that is wrong, joined.
func (g Grant) Check() error {
	var errs []error
	if g.Number.Withheld() && g.Code == "" {
		errs = append(errs, errors.New("number: not a telephone number"))
	}
	if g.Code != "" && !codeForm.MatchString(g.Code) {
		errs = append(errs, errors.New("code: not 8 to 12 digits"))
	}
	errs = append(errs, g.checkTexts()...)
	if g.From.IsZero() {
		errs = append(errs, errors.New("from: missing"))
	}
	if !g.Until.IsZero() && !g.From.Before(g.Until) {
		errs = append(errs, errors.New("until: before from"))
	}
	return errors.Join(errs...)
}

func (g Grant) checkTexts() (errs []error) {
	if !exemption.IsRef(g.Ref) {
		errs = append(errs, errors.New("ref: not "+exemption.RefForm))
	}
	printable := !strings.ContainsFunc(g.Category, func(r rune) bool { return !unicode.IsGraphic(r) })
	if !printable || !utf8.ValidString(g.Category) || utf8.RuneCountInString(g.Category) > maxCategory {
		errs = append(errs, fmt.Errorf("category: not at most %d printable characters", maxCategory))
	}
	return errs
}

// NewRef makes an opaque reference.
func NewRef() string { return "e-" + strings.ToLower(rand.Text()[:12]) }

// NewCode makes an exemption code of ten digits.
func NewCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(10_000_000_000))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%010d", n), nil
}
