package tariff

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// What the amounts of a tariff say of tax: the values of Tariff.Tax.
const (
	TaxIncluded = "included" // PerMinute, the bands' prices and CapPerCall include it
	TaxAdded    = "added"    // it comes on top of them
)

// percent is a rate of at most three digits and four decimals.
var percent = regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,4})?$`)

// maxTaxPercent bounds a rate. The highest of the Union's members is 27.
const maxTaxPercent = 100

func (t Tariff) validateTax() (errs []error) {
	switch t.Tax {
	case "":
		if t.TaxPercent != "" {
			errs = append(errs, errors.New("tax: missing: say whether the tax is included or added"))
		}
		return errs
	case TaxIncluded, TaxAdded:
	default:
		errs = append(errs, fmt.Errorf("tax: %q is neither %s nor %s", t.Tax, TaxIncluded, TaxAdded))
	}
	rate, ok := new(big.Rat).SetString(t.TaxPercent)
	if !ok || !percent.MatchString(t.TaxPercent) || rate.Cmp(big.NewRat(maxTaxPercent, 1)) > 0 {
		errs = append(errs, fmt.Errorf("tax_percent: %q is not a rate such as 22", t.TaxPercent))
	}
	return errs
}

// taxed is 1 and the rate of the tax.
func (t Tariff) taxed() *big.Rat {
	rate := t.rat("tax_percent", t.TaxPercent)
	return rate.Add(rate.Quo(rate, big.NewRat(maxTaxPercent, 1)), big.NewRat(1, 1))
}

// withTax is what the caller pays for an amount of the tariff.
func (t Tariff) withTax(exact *big.Rat) *big.Rat {
	if t.Tax != TaxAdded {
		return exact
	}
	return new(big.Rat).Mul(exact, t.taxed())
}

// Net is the part of the charge for billable seconds that is no tax: the exact price without the
// tax, rounded down to whole minor units. What lies between it and [Tariff.Charge] is the tax. Without
// a tax it is the charge.
func (t Tariff) Net(billableSeconds int64) Amount {
	exact, _ := t.capped(billableSeconds)
	if t.Tax == TaxIncluded {
		exact = new(big.Rat).Quo(exact, t.taxed())
	}
	return t.roundDown(exact)
}

// maxPriceDecimals is enough for a price of six decimals with a rate of four decimals of a percent.
const maxPriceDecimals = 12

// MinuteWithTax is what the caller pays for a minute, exactly: what is announced.
func (t Tariff) MinuteWithTax() string {
	if t.Tax != TaxAdded {
		return t.PerMinute
	}
	text := strings.TrimRight(t.withTax(t.price()).FloatString(maxPriceDecimals), "0")
	return strings.TrimSuffix(text, ".")
}
