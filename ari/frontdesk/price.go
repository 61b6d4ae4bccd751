package frontdesk

import (
	"strconv"
	"strings"
)

// sound names one of the front desk's own prompts, as Play takes it.
func sound(name string) string { return "sound:risposta/" + name }

// number names a number that is spoken from Asterisk's own sounds.
func number(n int64) string { return "number:" + strconv.FormatInt(n, 10) }

// Prompts returns the desk's own sounds that are needed to announce prices in some currencies, as
// Asterisk names them.
func Prompts(currencies []string) []string {
	names := []string{
		"price", "and", "point", "per-minute", "free", "consent", "refused",
		"code-offer", "code-enter", "code-wrong", "survey-satisfaction", "survey-solved", "thanks",
	}
	for _, c := range currencies {
		money := strings.ToLower(c)
		names = append(names, money, money+"-one", money+"-cents")
	}
	for i, n := range names {
		names[i] = strings.TrimPrefix(sound(n), "sound:")
	}
	return names
}

// price returns the media of a price per minute: whole units, then hundredths, then the rest digit
// by digit. The prompts for the money are named after the currency: eur, eur-one, eur-cents. Where
// they are missing the price cannot be announced.
func price(perMinute, currency string) []string {
	money := strings.ToLower(currency)
	whole, fraction, _ := strings.Cut(perMinute, ".")
	for len(fraction) < 2 {
		fraction += "0"
	}
	units, _ := strconv.ParseInt(whole, 10, 64) // a tariff's price: digits only
	cents, _ := strconv.ParseInt(fraction[:2], 10, 64)
	rest := strings.TrimRight(fraction[2:], "0")
	media := []string{sound("price")}
	switch {
	case units == 1:
		media = append(media, sound(money+"-one"))
	case units > 1:
		media = append(media, number(units), sound(money))
	}
	if cents > 0 || rest != "" || units == 0 {
		if units > 0 {
			media = append(media, sound("and"))
		}
		media = append(media, number(cents))
		if rest != "" {
			media = append(media, sound("point"))
			for _, digit := range rest {
				media = append(media, "digits:"+string(digit))
			}
		}
		media = append(media, sound(money+"-cents"))
	}
	return append(media, sound("per-minute"))
}
