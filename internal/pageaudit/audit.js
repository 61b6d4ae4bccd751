// What the browser computes of a page, as findings: a list of texts, empty where the rule is kept.
// Each function is evaluated by rules.go; nothing of this is in a page.
const audit = (() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const css = (e) => getComputedStyle(e);
  const cut = (text) => text.trim().replace(/\s+/g, " ").slice(0, 40);
  const where = (e) => `<${e.localName}> ${cut(e.getAttribute("aria-label") || e.textContent)}`;
  const shown = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });

  // Colours: WCAG 2.2, relative luminance and contrast ratio.
  const rgba = (text) => {
    const n = text.match(/[\d.]+/g).map(Number);
    return { r: n[0], g: n[1], b: n[2], a: n.length > 3 ? n[3] : 1 };
  };
  const over = (top, below) => {
    const mix = (x, y) => x * top.a + y * (1 - top.a);
    return { r: mix(top.r, below.r), g: mix(top.g, below.g), b: mix(top.b, below.b), a: 1 };
  };
  const luminance = (c) => {
    const part = (x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(c.r) + 0.7152 * part(c.g) + 0.0722 * part(c.b);
  };
  const behind = (e) => {
    if (!e) return { r: 255, g: 255, b: 255, a: 1 };
    const c = rgba(css(e).backgroundColor);
    return c.a === 1 ? c : over(c, behind(e.parentElement));
  };
  const opacity = (e) => (e ? Number(css(e).opacity) * opacity(e.parentElement) : 1);
  const ratio = (color, e) => {
    const back = behind(e), c = rgba(color);
    c.a *= opacity(e);
    const a = luminance(over(c, back)), b = luminance(back);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const inSVG = (e) => e instanceof SVGElement;
  const texts = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (walker.nextNode()) {
      const e = walker.currentNode.parentElement;
      if (cut(walker.currentNode.data) && !["title", "desc", "style"].includes(e.localName) && shown(e))
        found.push(e);
    }
    return found;
  };
  const textContrast = () => texts().flatMap((e) => {
    const r = ratio(inSVG(e) ? css(e).fill : css(e).color, e);
    return r < 4.5 ? [`${where(e)}: ${r.toFixed(2)}`] : [];
  });
  const lines = (e) => ["Top", "Right", "Bottom", "Left"]
    .filter((side) => parseFloat(css(e)[`border${side}Width`]) > 0)
    .map((side) => css(e)[`border${side}Color`]);
  const graphicContrast = () => {
    // A pattern is no shape; what it fills is told by its edge.
    const shapes = all("svg rect, svg path, svg line, svg circle").filter((e) => !e.closest("defs"))
      .map((e) => [e, [css(e).fill, css(e).stroke].filter((c) => c !== "none" && !c.startsWith("url"))]);
    const borders = all("body *").filter((e) => !inSVG(e) && shown(e)).map((e) => [e, lines(e)]);
    return [...shapes, ...borders].flatMap(([e, colors]) => {
      const best = Math.max(...colors.map((c) => ratio(c, e)));
      return colors.length > 0 && best < 3 ? [`${where(e)}: ${best.toFixed(2)}`] : [];
    });
  };

  // Sizes.
  const scrolls = (e) => ["auto", "scroll"].includes(css(e).overflowX);
  const wider = (e) => e.scrollWidth > e.clientWidth + 1;
  const outside = () => {
    const found = [], root = document.scrollingElement;
    if (wider(root)) found.push(`the page is ${root.scrollWidth} px wide in ${root.clientWidth}`);
    for (const e of all("body *")) {
      const r = e.getBoundingClientRect();
      if (shown(e) && r.width > 0 && r.right > innerWidth + 1 && !e.closest(".wide"))
        found.push(`${where(e)} ends at ${Math.round(r.right)} px of ${innerWidth}`);
    }
    return found;
  };
  const labelled = (e) => cut((e.getAttribute("aria-labelledby") || "").split(" ")
    .map((id) => document.getElementById(id)?.textContent || "").join(" "));
  const regions = () => {
    const names = new Set();
    return all("body *").filter((e) => scrolls(e) && !inSVG(e)).flatMap((e) => {
      const name = e.getAttribute("aria-label") || labelled(e), again = names.has(name);
      names.add(name);
      const found = [];
      if (e.tabIndex < 0) found.push(`${where(e)} scrolls and cannot be focused`);
      if (e.getAttribute("role") !== "region" || !name.trim()) found.push(`${where(e)} has no name`);
      if (again) found.push(`${where(e)} has the name of another`);
      return found;
    });
  };
  const clipped = () => all("body *").flatMap((e) => {
    const style = css(e), hides = (x) => ["hidden", "clip"].includes(x);
    // A field shows what is written where its caret is.
    return !inSVG(e) && shown(e) && (hides(style.overflowX) && wider(e) && e.localName !== "input" ||
      hides(style.overflowY) && e.scrollHeight > e.clientHeight + 1) ? [`${where(e)} is cut`] : [];
  });
  const cutInPrint = () => [...outside(), ...clipped(),
    ...all("body *").filter((e) => shown(e) && scrolls(e) && wider(e)).map((e) => `${where(e)} is cut`)];
  const overlaps = () => all("svg.chart").flatMap((svg) => {
    const box = svg.getBoundingClientRect();
    const boxes = [...svg.querySelectorAll("text, rect.track, rect.bar")].map((e) => [e, e.getBoundingClientRect()]);
    const found = [];
    boxes.forEach(([e, a], i) => {
      if (e.localName !== "text") return;
      if (a.left < box.left - 1 || a.right > box.right + 1 || a.top < box.top - 1 ||
        a.bottom > box.bottom + 1) found.push(`${where(e)} is outside its chart`);
      boxes.forEach(([other, b], j) => {
        if ((other.localName !== "text" || j > i) && i !== j && a.left < b.right - 1 &&
          b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
          found.push(`${where(e)} lies over ${where(other)}`);
      });
    });
    return found;
  });
  const sheet = (text) => {
    const s = new CSSStyleSheet();
    s.replaceSync(text);
    document.adoptedStyleSheets = [s];
  };
  // WCAG 2.2, 1.4.12; and 1.4.4: letters of twice the size.
  const space = () => sheet(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important } p { margin-bottom: 2em !important }`);
  const enlarge = () => {
    const size = (e) => parseFloat(css(e).fontSize), before = texts().map((e) => [e, size(e)]);
    sheet(`:root { font-size: 200% !important }`);
    return before.filter(([e, x]) => size(e) < 1.99 * x).map(([e, x]) => `${where(e)} stays at ${x} px`);
  };

  // Structure.
  const structure = () => {
    const found = [], headings = all("h1, h2, h3, h4, h5, h6");
    if (all("h1").length !== 1) found.push(`${all("h1").length} first headings`);
    headings.forEach((h, i) => {
      const n = Number(h.localName[1]), before = i ? Number(headings[i - 1].localName[1]) : 0;
      if (n > before + 1) found.push(`${where(h)} comes after a heading of level ${before}`);
      if (!cut(h.textContent)) found.push("a heading is empty");
    });
    return found;
  };
  const heads = () => all("table").flatMap((t) => {
    const found = [];
    // The name is seen, too: a caption, or a heading elsewhere.
    if (!cut(t.caption?.textContent || "") && !labelled(t)) found.push(`${where(t)} has no caption`);
    for (const h of t.querySelectorAll("th"))
      if (h.scope !== (h.closest("thead") ? "col" : "row")) found.push(`${where(h)} has no scope`);
    for (const row of t.tBodies[0].rows)
      if (row.cells[0].localName !== "th") found.push(`${where(row)} has no head`);
    if ([...t.tHead.rows[0].cells].some((c) => c.localName !== "th")) found.push(`${where(t)}: no heads`);
    return found;
  });
  const byColourAlone = () => [
    ...all("svg.chart").flatMap((svg) => {
      const full = (selector) => [...svg.querySelectorAll(selector)].filter((e) => cut(e.textContent));
      const bars = svg.querySelectorAll("rect.track").length, marks = svg.querySelectorAll(".mark").length;
      return full("text.name").length !== bars || full("text.value").length !== bars ||
        marks && !full("text.limit").length ? [`${where(svg)}: a bar or a mark without words`] : [];
    }),
    ...all("main a, header a, nav a").filter((a) => !css(a).textDecorationLine.includes("underline"))
      .map((a) => `${where(a)} is a link by its colour alone`),
  ];
  // A page that was opened with a password in its address gives its files that password, too.
  const bare = (address) => address && Object.assign(new URL(address), { username: "", password: "" }).href;
  const scripts = (allowed) => all("*").flatMap((e) => {
    const active = [...e.attributes].filter((a) => a.name.startsWith("on") || /^\s*javascript:/i.test(a.value));
    const ours = e.localName === "script" && allowed.includes(bare(e.src)) && !cut(e.textContent);
    return e.localName === "script" && !ours || active.length ? [`${where(e)} runs a script`] : [];
  });
  const policy = () => document.querySelector("meta[http-equiv='Content-Security-Policy']")?.content || "";

  // The keyboard: the focusable elements, and the one that has the focus.
  // What is focusable by its tabindex alone, and not by Tab, is where a link leads to.
  const native = "a[href], button, input, select, textarea, summary";
  const focusable = () => all(`${native}, [tabindex]`)
    .filter((e) => shown(e) && (e.matches(native) || e.tabIndex >= 0));
  const focused = () => {
    const e = document.activeElement, r = e.getBoundingClientRect(), style = css(e);
    return {
      index: focusable().indexOf(e), name: where(e),
      ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
        ? ratio(style.outlineColor, e.parentElement) : 0,
      inView: r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth,
    };
  };
  return {
    language: () => document.documentElement.lang, title: () => document.title, count: () => focusable().length,
    charts: () => all("svg.chart").length, tables: () => all("table").length,
    textContrast, graphicContrast, outside, regions, clipped, cutInPrint, overlaps, space, enlarge,
    structure, heads, byColourAlone, scripts, policy, focused,
  };
})();
