package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering/quality"
)

func written(t *testing.T, r Report, language string) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteHTML(&b, language); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// element is one start of an element, with the names of those around it.
type element struct {
	xml.StartElement
	within []string
}

func (e element) attr(name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// elements reads a page, which must be well-formed.
func elements(t *testing.T, text string) (all []element) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	var within []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			all = append(all, element{token.Copy(), append([]string{}, within...)})
			within = append(within, token.Name.Local)
		case xml.EndElement:
			within = within[:len(within)-1]
		}
	}
}

// The page keeps the rules that a reader of screens, a keyboard and a small screen need.
func TestPageIsAccessible(t *testing.T) {
	for _, language := range Languages() {
		text := written(t, built(t, sample(), ""), language)
		count, ids, refs := map[string]int{}, map[string]bool{}, []string{}
		level := 0
		for _, e := range elements(t, text) {
			name := e.Name.Local
			if name == "svg" && e.attr("class") != "chart" { // a mark within one
				continue
			}
			count[name]++
			if id := e.attr("id"); id != "" {
				if ids[id] {
					t.Errorf("%s: the id %s comes twice", language, id)
				}
				ids[id] = true
			}
			refs = append(refs, strings.Fields(e.attr("aria-labelledby")+" "+e.attr("aria-describedby"))...)
			refs = append(refs, strings.Fields(strings.TrimPrefix(e.attr("href"), "#"))...)
			switch name {
			case "html":
				if e.attr("lang") != language {
					t.Errorf("%s: the language is %q", language, e.attr("lang"))
				}
			case "h1", "h2", "h3":
				if n := int(name[1] - '0'); n > level+1 {
					t.Errorf("%s: %s comes after h%d", language, name, level)
				} else {
					level = n
				}
			case "svg":
				if e.attr("role") != "img" || e.attr("aria-labelledby")+e.attr("aria-label") == "" ||
					e.attr("aria-describedby") == "" {
					t.Errorf("%s: a chart without a name and a description: %v", language, e.Attr)
				}
			case "th":
				if e.attr("scope") == "" {
					t.Errorf("%s: a head of a table without scope", language)
				}
			case "script", "link", "img", "iframe":
				t.Errorf("%s: a %s", language, name)
			}
			if e.attr("onclick")+e.attr("style") != "" {
				t.Errorf("%s: %s has %v", language, name, e.Attr)
			}
		}
		for _, ref := range refs {
			if !ids[ref] {
				t.Errorf("%s: nothing is called %s", language, ref)
			}
		}
		for _, name := range []string{"h1", "main", "header", "nav", "title"} {
			if count[name] != 1 {
				t.Errorf("%s: %d of %s", language, count[name], name)
			}
		}
		if count["table"] == 0 || count["table"] != count["caption"] || count["table"] != count["thead"] {
			t.Errorf("%s: %d tables, %d captions", language, count["table"], count["caption"])
		}
		// Six of the one service; of the other three: it has no queue, no operator, and too little talk.
		if count["svg"] != 9 || count["svg"] != count["desc"] {
			t.Errorf("%s: %d charts, %d descriptions", language, count["svg"], count["desc"])
		}
		if regexp.MustCompile(`https?://`).MatchString(
			strings.ReplaceAll(text, `"http://www.w3.org/2000/svg"`, "")) {
			t.Errorf("%s: the page needs another file", language)
		}
	}
}

// Text has a contrast of at least 4.5, bars and lines of at least 3, in every style (WCAG 2.2 AA,
// 1.4.3 and 1.4.11).
func TestPageHasContrast(t *testing.T) {
	roots := regexp.MustCompile(`:root \{([^}]*)\}`).FindAllStringSubmatch(pageText, -1)
	if len(roots) != 4 {
		t.Fatalf("%d styles were found, want light, dark, print and the reader's own colours", len(roots))
	}
	for i, root := range roots[:3] {
		color := map[string]float64{}
		for _, m := range regexp.MustCompile(`--(\w+): #(\w{6})`).FindAllStringSubmatch(root[1], -1) {
			color[m[1]] = luminance(t, m[2])
		}
		for name, least := range map[string]float64{
			"ink": 4.5, "soft": 4.5, "link": 4.5, "bar": 3, "line": 3,
		} {
			a, b := color[name], color["paper"]
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); len(color) != 6 || ratio < least {
				t.Errorf("style %d: %s has a contrast of %.2f, want %.1f", i, name, ratio, least)
			}
		}
	}
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	total := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		total += weight * c
	}
	return total
}

func TestPageEscapesNames(t *testing.T) {
	rows := kept{{
		Key:    quality.Key{Day: "2026-12-01", Service: `<script>alert("1")</script>`},
		Counts: answers(20, 1),
	}}
	for _, e := range elements(t, written(t, built(t, rows, ""), "en")) {
		if e.Name.Local == "script" {
			t.Error("the name of a service became an element")
		}
	}
}

func TestEachLanguageHasEachText(t *testing.T) {
	for name, texts := range languages {
		v := reflect.ValueOf(texts)
		for i := range v.NumField() {
			if field := v.Type().Field(i).Name; v.Field(i).IsZero() &&
				(name != "en" || field != "formulas" && field != "bounds") { // English is that of the indicators
				t.Errorf("%s: %s is empty", name, v.Type().Field(i).Name)
			}
		}
		if texts.Lang != name {
			t.Errorf("%s calls itself %s", name, texts.Lang)
		}
		for _, i := range quality.Indicators() {
			if texts.names[i.Name] == "" {
				t.Errorf("%s: %s has no name", name, i.Name)
			}
			if name != "en" && (texts.formulas[i.Name] == "" || i.Bounds != "" && texts.bounds[i.Bounds] == "") {
				t.Errorf("%s: %s is not explained", name, i.Name)
			}
		}
		if len(texts.names) != len(quality.Indicators()) {
			t.Errorf("%s: a name for what is no indicator", name)
		}
	}
	for name, texts := range languages {
		for _, why := range quality.Reasons() {
			if texts.why[string(why)] == "" {
				t.Errorf("%s: %s has no words", name, why)
			}
		}
	}
	if err := (Report{}).WriteHTML(io.Discard, "xx"); err == nil {
		t.Error("a page in no language was written")
	}
	empty := written(t, built(t, kept{}, ""), "it")
	if !strings.Contains(empty, languages["it"].Nothing) {
		t.Error("a report of no call does not say so")
	}
}

// A chart's scale is honest: a share is drawn as a part of all, other figures of the longest or the
// objective.
func TestScaleOfCharts(t *testing.T) {
	points := []point{{name: "a", value: "1", size: 0.25}, {name: "b", value: "?", unknown: true}}
	for _, c := range []struct {
		unit               quality.Unit
		limit              float64
		first, mark, words string
	}{
		{quality.Share, 0.4, "25.00%", "40.00%", "at least"}, {quality.Score, 4, "5.00%", "80.00%", "at least"},
		{quality.Seconds, 0.5, "50.00%", "100.00%", "at most"}, {quality.Seconds, 0, "100.00%", "", ""},
	} {
		have := newChart("c", "title", c.unit, points, c.limit, c.words)
		if have.Bars[0].Width != c.first || !have.Bars[1].Unknown || (have.Mark != nil) != (c.words != "") ||
			have.Mark != nil && have.Mark.X != c.mark {
			t.Errorf("%+v: %+v, %+v", c, have.Bars[0], have.Mark)
		}
	}
	if none := newChart("c", "title", "", []point{{name: "a", value: "0"}}, 0, ""); none.Bars[0].Width != "0%" {
		t.Errorf("%+v of nothing", none.Bars[0])
	}
}
