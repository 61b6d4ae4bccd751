package frontdesk

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sound names one of the front desk's own prompts, as Play takes it.
func sound(name string) string { return "sound:risposta/" + name }

// number names a number that is spoken from Asterisk's own sounds.
func number(n int64) string { return "number:" + strconv.FormatInt(n, 10) }

// Prompts returns the desk's own sounds that are needed to announce prices, as Asterisk names them:
// in currencies (ISO 4217), each with the number of its decimals.
func Prompts(currencies map[string]int) []string {
	names := []string{
		"price", "and", "point", "per-minute", "free", "consent", "refused", "repeat",
		"wait-under-a-minute", "wait-about", "wait-minutes", "wait-not-known",
		"code-offer", "code-enter", "code-wrong", "survey-satisfaction", "survey-solved", "thanks",
	}
	for _, c := range slices.Sorted(maps.Keys(currencies)) {
		money := strings.ToLower(c)
		names = append(names, money, money+"-one")
		if currencies[c] > 0 {
			names = append(names, money+"-cents")
		}
	}
	for i, n := range names {
		names[i] = strings.TrimPrefix(sound(n), "sound:")
	}
	return names
}

// price returns the media of a price per minute: whole units, then the minor units of the currency,
// then the rest digit by digit. The prompts for the money are named after the currency: eur, eur-one,
// eur-cents. Where they are missing the price cannot be announced.
func price(o Offer) []string {
	money := strings.ToLower(o.Currency)
	whole, fraction, _ := strings.Cut(o.PerMinute, ".")
	fraction += strings.Repeat("0", max(0, o.MinorDigits-len(fraction)))
	units, _ := strconv.ParseInt(whole, 10, 64) // a tariff's price: digits only
	cents, _ := strconv.ParseInt(fraction[:o.MinorDigits], 10, 64)
	var rest []string
	for _, digit := range strings.TrimRight(fraction[o.MinorDigits:], "0") {
		rest = append(rest, "digits:"+string(digit))
	}
	if len(rest) > 0 {
		rest = append([]string{sound("point")}, rest...)
	}
	media := []string{sound("price")}
	switch {
	case o.MinorDigits == 0 && (units != 1 || rest != nil):
		media = append(append(media, number(units)), rest...)
		return append(media, sound(money), sound("per-minute"))
	case units == 1:
		media = append(media, sound(money+"-one"))
	case units > 1:
		media = append(media, number(units), sound(money))
	}
	if cents > 0 || rest != nil || units == 0 {
		if units > 0 {
			media = append(media, sound("and"))
		}
		media = append(append(media, number(cents)), rest...)
		media = append(media, sound(money+"-cents"))
	}
	return append(media, sound("per-minute"))
}

// waitMinutes is an expected wait in the words that tell it: whole minutes, rounded up. 0: it is not
// known.
func waitMinutes(wait time.Duration) int64 { return int64((wait + time.Minute - 1) / time.Minute) }

// wait returns the media of an expected wait.
func wait(minutes int64) []string {
	switch minutes {
	case 0:
		return []string{sound("wait-not-known")}
	case 1:
		return []string{sound("wait-under-a-minute")}
	}
	return []string{sound("wait-about"), number(minutes), sound("wait-minutes")}
}
