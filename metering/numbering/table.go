package numbering

import (
	"strings"
	"time"
)

// TableDate is when the table was last looked through. The Italian ranges that phonenumbers alone would let
// pass as ordinary were found wrong in it. The other entries, and the names of the plans, were
// written from common knowledge and have not been checked against the plans' texts. A number that
// is neither here nor in phonenumbers is Unknown, and refused.
const TableDate = "2026-11-26"

// Sources is what the table was written from, and the plans that come after it.
const Sources = "national numbering plans of IT, DE, FR, ES and UK, ITU-T E.164; " +
	"then nyaruka/phonenumbers v1.8.1"

// TableAge is how old the table is at an instant.
func TableAge(now time.Time) (time.Duration, error) {
	date, err := time.Parse(time.DateOnly, TableDate)
	return now.Sub(date), err
}

// entry is a range of numbers. The longest prefix wins. The digits are those after the country
// code, in Italy with the 0 of area codes.
type entry struct {
	country int
	prefix  string
	kind    Kind
	why     string
}

var table = []entry{
	// Italy: Piano di numerazione nazionale, AGCOM 8/15/CIR, annex A.
	{39, "0878", Premium, "numerazioni a sovrapprezzo in decade 0; reads as geographic"},
	{39, "12", Premium, "12xx: informazione abbonati; reads as unknown"},
	{39, "144", Premium, "a sovrapprezzo, ceased; premium should it come back"},
	{39, "163", Premium, "a sovrapprezzo, ceased"},
	{39, "164", Premium, "a sovrapprezzo, ceased"},
	{39, "166", Premium, "a sovrapprezzo, ceased"},
	{39, "178", Personal, "numero unico personale, priced by its own tariff; reads as personal"},
	{39, "199", SharedCost, "addebito ripartito; reads as personal"},
	{39, "4", Premium, "4xxxx: SMS and services at a surcharge; reads as unknown"},
	{39, "840", SharedCost, "addebito ripartito, one unit for each answer"},
	{39, "841", SharedCost, "addebito ripartito"},
	{39, "842", Premium, "addebito ripartito or surcharge; reads as unknown"},
	{39, "843", Premium, "reads as unknown"},
	{39, "844", Premium, "reads as unknown"},
	{39, "845", Premium, "reads as unknown"},
	{39, "846", Premium, "reads as unknown"},
	{39, "847", SharedCost, "addebito ripartito"},
	{39, "848", SharedCost, "addebito ripartito"},
	{39, "849", Premium, "reads as unknown"},
	{39, "89", Premium, "892, 893, 894, 895, 899: a sovrapprezzo"},
	{39, "70", Special, "700, 701, 702: internet access"},
	{39, "800", Freephone, "numero verde"},
	{39, "803", Freephone, "numero verde"},
	// Germany: Nummernraum of the Bundesnetzagentur.
	{49, "900", Premium, "Premium-Dienste"},
	{49, "137", Special, "Massenverkehrsdienste"},
	{49, "138", Special, "Massenverkehrsdienste"},
	{49, "180", SharedCost, "Service-Dienste"},
	{49, "118", Premium, "Auskunftsdienste"},
	{49, "12", Special, "neuartige Dienste"},
	{49, "700", Personal, "persönliche Rufnummern"},
	// France: plan national de numérotation of ARCEP.
	{33, "89", Premium, "numéros majorés"},
	{33, "81", SharedCost, "numéros banalisés"},
	{33, "82", SharedCost, "numéros banalisés"},
	{33, "118", Premium, "renseignements"},
	{33, "80", Freephone, "services gratuits"},
	// Spain: plan nacional de numeración.
	{34, "803", Premium, "tarificación adicional"},
	{34, "806", Premium, "tarificación adicional"},
	{34, "807", Premium, "tarificación adicional"},
	{34, "905", Premium, "tarificación adicional"},
	{34, "907", Premium, "tarificación adicional"},
	{34, "118", Premium, "consulta sobre números"},
	{34, "901", SharedCost, "coste compartido"},
	{34, "902", SharedCost, "reads as shared cost in some plans and geographic in others"},
	{34, "70", Personal, "numeración personal"},
	// United Kingdom: National Telephone Numbering Plan of Ofcom.
	{44, "3", Geographic, "03: costs the same as 01 and 02, by Ofcom; reads as universal access"},
	{44, "70", Personal, "070: personal numbers"},
	{44, "76", Special, "076: pagers"},
	{44, "84", SharedCost, "084: service charge"},
	{44, "87", SharedCost, "087: service charge"},
	{44, "9", Premium, "09: premium rate"},
	{44, "118", Premium, "118: directory enquiries"},
	// Satellites, and networks that belong to no country: ITU-T E.164, list of assigned codes. They
	// cost many times an ordinary call; some read as mobile.
	{870, "", Special, "Inmarsat"},
	{878, "", Special, "universal personal telecommunications"},
	{881, "", Special, "satellites: Iridium, Globalstar"},
	{882, "", Special, "international networks"},
	{883, "", Special, "international networks"},
	{888, "", Special, "telecommunications for disaster relief"},
	{979, "", Premium, "international premium rate service"},
}

// inTable finds the number in the table.
func inTable(country int, national string) (Kind, bool) {
	best := entry{}
	for _, e := range table {
		matches := e.country == country && strings.HasPrefix(national, e.prefix)
		if matches && (best.country == 0 || len(e.prefix) > len(best.prefix)) {
			best = e
		}
	}
	return best.kind, best.country != 0
}
