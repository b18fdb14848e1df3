"use strict";

// What the report draws with: colours, numbers as text, small pieces of a page, and a plot with its tip and markers.

// --- colours: Okabe and Ito's, told apart with any kind of colour vision -------------------------------------------

const OWN = { reno: "#d55e00", cubic: "#e69f00", dctcp: "#0072b2", bbr: "#009e73", paced: "#cc79a7" };
const SPARE = ["#56b4e9", "var(--text)", "#b8a900", ...Object.values(OWN)];
const DASHES = [[], [8, 4], [2, 3], [12, 3, 2, 3]];

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const resolved = (colour) => (colour.startsWith("var(") ? css(colour.slice(4, -1)) : colour);
// A colour for each name; the built-in controllers have theirs in every report.
function coloursOf(names) {
  const spare = SPARE.values();
  return names.map((name) => OWN[name] ?? spare.next().value ?? "#888888");
}

const dash = (variant) => DASHES[variant % DASHES.length];

// --- numbers as a person reads them --------------------------------------------------------------------------------

const SCALES = {
  time: [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]],
  rate: [[1e9, "Gbit/s"], [1e6, "Mbit/s"], [1e3, "kbit/s"], [1, "bit/s"]],
  bytes: [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]],
  share: [[0.01, "%"]],
  ratio: [[1, ""]],
  packets: [[1, ""]],
  count: [[1, ""]],
};
const NAMES = { share: "%", ratio: "ratio", packets: "packets", count: "" };

const digits = (value) => (value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : String(+value.toPrecision(3)));
const scaleFor = (unit, size) => SCALES[unit].find(([scale]) => size >= scale) ?? SCALES[unit].at(-1);

function number(value, unit) {
  if (value == null) return "–";
  const [scale, name] = scaleFor(unit, Math.abs(value));
  const scaled = value / scale;
  const text = Math.abs(scaled) >= 1000 ? Math.round(scaled).toLocaleString("en") : digits(scaled);
  return name ? `${text} ${name}` : text;
}

// One unit for all ticks of an axis, so that they can be compared; on a logarithmic axis each has its own.
function tickText(unit, logarithmic) {
  return (u, splits) => {
    const known = splits.filter((split) => split != null);
    const [scale, name] = scaleFor(unit, Math.max(...known.map(Math.abs), 0));
    return splits.map((split) => {
      if (split == null) return "";
      if (logarithmic) return number(split, unit);
      const text = String(+(split / scale).toPrecision(6));
      return name ? `${text} ${name}` : text;
    });
  };
}

// --- small pieces of the page --------------------------------------------------------------------------------------

function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

function swatch(stroke, dashes = []) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("width", "22");
  svg.setAttribute("height", "8");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", "M1 4H21");
  line.setAttribute("stroke", stroke);
  line.setAttribute("stroke-width", "3");
  line.setAttribute("stroke-dasharray", dashes.map((length) => length / 2).join(" "));
  svg.append(line);
  return svg;
}

function toggle(content, pressed, change) {
  const chip = el("button", { type: "button", className: "chip", "aria-pressed": String(pressed) }, ...content);
  chip.addEventListener("click", () => {
    const now = chip.getAttribute("aria-pressed") !== "true";
    chip.setAttribute("aria-pressed", String(now));
    change(now);
  });
  return chip;
}

function choice(label, options, value, change) {
  const select = el("select", {}, ...options.map(([key, text]) => el("option", { value: key, selected: key === value }, text)));
  select.addEventListener("change", () => change(select.value));
  return el("label", {}, `${label} `, select);
}

const part = (section, selector) => document.querySelector(`#${section} ${selector}`);
const say = (section, text) => (part(section, ".lead").textContent = text);

// --- plots ---------------------------------------------------------------------------------------------------------

const hidden = new Set(); // controllers that are switched off
const plots = {}; // those on the page, by section

function clear(section) {
  (plots[section] ?? []).forEach((plot) => plot.destroy());
  plots[section] = [];
  part(section, ".pictures").replaceChildren();
}

// The value of a line at x, between its points on the straight line that is drawn there.
function valueAt(line, x) {
  const { xs, ys } = line;
  let low = 0;
  let high = xs.length - 1;
  if (high < 0 || x < xs[0] || x > xs[high]) return null;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  if (ys[low] == null || ys[high] == null || xs[high] === xs[low]) return ys[low];
  return ys[low] + ((ys[high] - ys[low]) * (x - xs[low])) / (xs[high] - xs[low]);
}

// The largest value that is drawn between two places: a point there, or a line that only passes through.
function largest(lines, from, to) {
  let most = 0;
  for (const line of lines) {
    for (const edge of [from, to]) most = Math.max(most, valueAt(line, edge) ?? 0);
    line.xs.forEach((x, i) => {
      if (x >= from && x <= to && line.ys[i] != null) most = Math.max(most, line.ys[i]);
    });
  }
  return most;
}

const isShown = (line) => line.controller == null || !hidden.has(line.controller);

// What the pointer is at, beside it.
function tip(spec, figure) {
  const box = el("div", { className: "tip", hidden: true });
  figure.append(box);
  return (u) => {
    const { left, idx } = u.cursor;
    box.hidden = left == null || left < 0 || idx == null;
    if (box.hidden) return;
    const x = spec.snap ? u.data[0][idx] : u.posToVal(left, "x");
    const rows = spec.lines.filter((line) => isShown(line) && line.label).map((line) => [line, valueAt(line, x)]);
    const known = rows.filter(([, value]) => value != null).sort((a, b) => b[1] - a[1]);
    box.replaceChildren(
      el("div", { className: "at" }, spec.x.at(x)),
      ...known.map(([line, value]) =>
        el("div", {}, swatch(line.stroke, line.dash), line.label, el("b", {}, number(value, spec.y.unit)))),
    );
    const over = u.over.getBoundingClientRect();
    const around = figure.getBoundingClientRect();
    const x0 = over.left - around.left + left;
    const wide = box.offsetWidth;
    const fits = x0 + 16 + wide < around.width;
    box.style.left = `${Math.max(4, fits ? x0 + 16 : x0 - wide - 16)}px`;
    box.style.top = `${over.top - around.top + 8}px`;
  };
}

// A line across the plot with a word on it, at a y or at an x.
function marker(u, { y, x, text, stroke }) {
  const { ctx, bbox } = u;
  const ratio = uPlot.pxRatio;
  const at = y != null ? u.valToPos(y, "y", true) : u.valToPos(x, "x", true);
  const [start, length] = y != null ? [bbox.top, bbox.height] : [bbox.left, bbox.width];
  if (!(at >= start && at <= start + length)) return;
  ctx.save();
  ctx.strokeStyle = stroke ?? css("--quiet");
  ctx.fillStyle = css("--quiet");
  ctx.lineWidth = ratio;
  ctx.setLineDash([4 * ratio, 4 * ratio]);
  ctx.beginPath();
  if (y != null) {
    ctx.moveTo(bbox.left, at);
    ctx.lineTo(bbox.left + bbox.width, at);
  } else {
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.font = `${12 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = y != null ? "right" : "left";
  ctx.textBaseline = y != null ? "bottom" : "top";
  if (text && y != null) ctx.fillText(text, bbox.left + bbox.width - 4 * ratio, at - 2 * ratio);
  if (text && x != null) ctx.fillText(text, at + 4 * ratio, bbox.top + 2 * ratio);
  ctx.restore();
}

// The range that the seeds span, as whiskers; nothing where there was one seed.
function whiskers(u, line) {
  if (!line.low || !isShown(line)) return;
  const { ctx } = u;
  ctx.save();
  ctx.strokeStyle = line.stroke;
  ctx.lineWidth = 1.5 * uPlot.pxRatio;
  ctx.beginPath();
  line.xs.forEach((x, i) => {
    if (line.low[i] == null || line.low[i] === line.high[i]) return;
    const at = u.valToPos(x, "x", true);
    ctx.moveTo(at, u.valToPos(line.low[i], "y", true));
    ctx.lineTo(at, u.valToPos(line.high[i], "y", true));
  });
  ctx.stroke();
  ctx.restore();
}

function axis(side, { unit, logarithmic, values, splits, label, width }) {
  const own = {
    stroke: css("--quiet"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: css("--grid"), width: 1 },
    ticks: { stroke: css("--line"), width: 1, size: 5 },
    values: values ?? tickText(unit, logarithmic),
  };
  if (splits) own.splits = splits;
  if (label) Object.assign(own, { label, labelSize: 18, labelGap: -2, labelFont: "12px system-ui, sans-serif" });
  if (side === "x") own.size = 30;
  if (side === "y") own.size = width ?? ((u, texts) => 16 + 7 * Math.max(3, ...(texts ?? []).map((text) => text.length)));
  return own;
}

// One plot in a figure. A spec has a title and a height; lines, each with xs, ys, stroke, label and, where it belongs
// to one, its controller; x and y, each with unit or values, range, logarithmic; markers; and what the section adds.
function draw(section, spec) {
  const figure = el("figure", {},
    el("figcaption", {}, el("h3", {}, spec.title), el("span", { className: "unit" }, spec.note ?? "")));
  const host = el("div", { className: "plot" });
  figure.append(host);
  part(section, ".pictures").append(figure);
  // Points without values that stretch all plots of a section over the same range.
  const frame = [spec.extent ?? [], (spec.extent ?? []).map(() => null)];
  const joined = uPlot.join([...spec.lines.map((line) => [line.xs, line.ys]), frame]);
  const scale = (own) => ({
    time: false,
    distr: own.logarithmic ? 3 : 1,
    ...(own.range ? { range: own.range } : {}),
  });
  const options = {
    width: Math.max(240, host.clientWidth),
    height: spec.height,
    padding: [10, 26, 0, 0],
    legend: { show: false },
    focus: { alpha: 1 },
    cursor: {
      points: { show: Boolean(spec.snap) },
      x: !spec.snap,
      y: false,
      drag: { x: !spec.snap, y: false, setScale: !spec.snap },
      ...spec.cursor,
    },
    scales: { x: scale(spec.x), y: scale(spec.y) },
    axes: [axis("x", spec.x), axis("y", spec.y)],
    series: [{}, ...spec.lines.map((line) => ({
      stroke: line.stroke,
      width: line.width ?? 2,
      dash: line.dash,
      alpha: line.alpha ?? 1,
      fill: line.fill,
      spanGaps: true,
      show: isShown(line),
      points: { show: Boolean(spec.snap), size: 8, fill: line.stroke },
    }))],
    hooks: {
      draw: [(u) => {
        (spec.markers ?? []).forEach((mark) => marker(u, mark));
        spec.lines.forEach((line) => whiskers(u, line));
      }],
      setCursor: [tip(spec, figure)],
      ...spec.hooks,
    },
  };
  const u = new uPlot(options, joined.slice(0, -1), host);
  const observer = new ResizeObserver(() => u.setSize({ width: Math.max(240, host.clientWidth), height: spec.height }));
  observer.observe(host);
  plots[section].push({
    u,
    lines: spec.lines,
    destroy: () => {
      observer.disconnect();
      u.destroy();
    },
  });
  return u;
}
