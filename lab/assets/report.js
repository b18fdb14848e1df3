"use strict";

// Draws what `burstlab::report` prepared. The document in #data is described by lab/src/report/page.rs.
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const colours = coloursOf(page.controllers);
  const colour = (controller) => resolved(colours[controller]);

  // --- pictures 1 to 3: metrics against the number of jobs -----------------------------------------------------------

  const metric = (key) => page.metrics.find((metric) => metric.key === key);
  const CAPTIONS = {
    p99_queue_delay: "p99 queueing delay",
    loss: "Packet loss",
    slowdown_alone: "Iteration slowdown over the job alone",
    slowdown_ideal: "Iteration slowdown over the ideal",
  };

  function drawComparison() {
    clear("comparison");
    if (!page.pictures.length) return say("comparison", "The results hold no run to compare.");
    const { label, positions, ticks } = page.axis;
    say("comparison", `At the bottleneck queue, against ${label === "controller" ? "the controller" : label}. ` +
      "Click a controller above to hide it here and in the distributions; rest the pointer on a picture for values.");
    const room = positions.length > 1 ? (positions.at(-1) - positions[0]) * 0.06 : 1;
    for (const picture of page.pictures) {
      const { unit } = metric(picture.metric);
      const lines = page.lines.map((line, i) => ({
        label: line.label,
        controller: line.controller,
        stroke: colour(line.controller),
        dash: dash(line.variant),
        xs: positions,
        ys: picture.lines[i].mean,
        low: picture.lines[i].low,
        high: picture.lines[i].high,
      }));
      const isSlowdown = picture.metric.startsWith("slowdown");
      const most = () => Math.max(...lines.filter(isShown).flatMap((line) => line.high).filter((value) => value != null), 0);
      const least = () => Math.min(...lines.filter(isShown).flatMap((line) => line.low).filter((value) => value != null), 1);
      const range = isSlowdown
        ? () => [least() - Math.max(0.02, (most() - least()) * 0.08), Math.max(most(), 1.05) + Math.max(0.02, (most() - 1) * 0.08)]
        : () => [0, most() * 1.08 || (unit === "share" ? 0.01 : 1)];
      draw("comparison", {
        title: CAPTIONS[picture.metric],
        height: 270,
        snap: true,
        lines,
        x: {
          label,
          range: () => [positions[0] - room, positions.at(-1) + room],
          splits: () => positions,
          values: () => ticks,
          at: (x) => `${label}: ${ticks[positions.indexOf(x)]}`,
        },
        y: { unit, range },
        markers: isSlowdown ? [{ y: 1, text: "undisturbed" }] : [],
      });
    }
  }

  // --- picture 4: distributions --------------------------------------------------------------------------------------

  const DISTRIBUTIONS = [
    ["queue_delay_ns", "Queueing delay", "time"],
    ["burst_completion_ns", "Burst completion", "time"],
    ["burst_slowdown", "Burst slowdown", "ratio"],
    ["iteration_ns", "Iteration time", "time"],
  ];
  const comparesControllers = page.axis.label === "controller";
  const shownPositions = new Set([page.axis.positions.length - 1]);

  function chooseDistributions() {
    const chips = comparesControllers || page.axis.ticks.length < 2 || !page.distributions.length ? [] : page.axis.ticks.map((tick, i) =>
      toggle([tick], shownPositions.has(i), (on) => {
        if (on) shownPositions.add(i);
        else shownPositions.delete(i);
        drawDistributions();
      }));
    const group = el("div", { className: "group" }, chips.length ? `${page.axis.label}: ` : null, ...chips);
    part("distributions", ".choices").replaceChildren(...(chips.length ? [group] : []));
  }

  function drawDistributions() {
    clear("distributions");
    if (!page.distributions.length) {
      return say("distributions", "The results hold no distributions (distributions.csv is missing or empty).");
    }
    say("distributions", "The share of packets, bursts or iterations that took no longer. Drag to zoom, double click to see all." +
      (shownPositions.size > 1 ? " The largest setting is solid, smaller ones are dashed." : ""));
    const wanted = (run) => comparesControllers || shownPositions.has(page.runs[run].position);
    const solid = Math.max(...shownPositions);
    for (const [key, title, unit] of DISTRIBUTIONS) {
      const chosen = page.distributions.filter((one) => one.metric === key && wanted(one.run) && one.values.length);
      if (!chosen.length) continue;
      const positive = chosen.flatMap((one) => one.values).filter((value) => value > 0);
      const [least, most] = positive.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, 1e-9]);
      const logarithmic = positive.length > 0 && most / least >= 8;
      const bottom = logarithmic ? 10 ** Math.floor(Math.log10(least)) : 0;
      const lines = chosen.map((one) => {
        const run = page.runs[one.run];
        return {
          label: run.label,
          controller: run.controller,
          stroke: colour(run.controller),
          dash: dash(page.lines[run.line].variant + (comparesControllers ? 0 : solid - run.position)),
          // Zero has no place on a logarithmic axis: it stands at its left end.
          xs: one.values.map((value) => Math.max(value, bottom)),
          ys: one.cumulative,
        };
      });
      draw("distributions", {
        title,
        note: logarithmic && chosen.some((one) => one.values[0] <= 0) ? "those without any are at the left edge" : "",
        height: 270,
        lines: lines.map(strictlyRising),
        x: {
          unit,
          logarithmic,
          at: (x) => `at most ${number(x, unit)}`,
        },
        y: { unit: "share", range: [0, 1.02] },
      });
    }
  }

  // uPlot joins lines by x, and an x may occur only once in a line: of several, the highest share is the right one.
  function strictlyRising(line) {
    const last = line.xs.map((x, i) => i === line.xs.length - 1 || line.xs[i + 1] > x);
    return { ...line, xs: line.xs.filter((_, i) => last[i]), ys: line.ys.filter((_, i) => last[i]) };
  }

  // --- picture 5: over time ------------------------------------------------------------------------------------------

  function times(series) {
    let at = series.start;
    return series.columns[0].length ? [at, ...series.steps.map((step) => (at += step * series.tick))] : [];
  }

  const queuesOf = (run) => page.queues.filter((queue) => queue.run === run);
  const flowsOf = (run) => page.flows.filter((flow) => flow.run === run);
  const chosen = { run: null, other: null, queue: null, flow: null };

  // The two that differ most where the network is busiest say most at first sight.
  function firstChoice() {
    const drawn = page.runs.map((_, i) => i).filter((run) => queuesOf(run).length || flowsOf(run).length);
    const delay = page.metrics.findIndex((metric) => metric.key === "p99_queue_delay");
    const last = Math.max(...drawn.map((run) => page.runs[run].position), 0);
    const busiest = drawn.filter((run) => comparesControllers || page.runs[run].position === last);
    const byDelay = busiest.sort((a, b) => (page.runs[b].values[delay] ?? 0) - (page.runs[a].values[delay] ?? 0));
    chosen.run = byDelay[0] ?? null;
    chosen.other = byDelay.length > 1 ? byDelay.at(-1) : null;
  }

  function chooseTimelines() {
    const bar = part("timelines", ".choices");
    bar.replaceChildren();
    if (chosen.run == null) return;
    const queues = queuesOf(chosen.run);
    const flows = flowsOf(chosen.run);
    if (!queues.some((queue) => queue.name === chosen.queue)) chosen.queue = queues[0]?.name ?? null;
    if (!flows.some((flow) => flow.name === chosen.flow)) chosen.flow = flows[0]?.name ?? null;
    const drawn = page.runs.map((run, i) => [String(i), run.label]).filter(([i]) => queuesOf(+i).length || flowsOf(+i).length);
    const redraw = () => {
      chooseTimelines();
      drawTimelines();
    };
    bar.append(
      choice("Run", drawn, String(chosen.run), (run) => {
        chosen.run = +run;
        redraw();
      }),
      choice("beside", [["", "none"], ...drawn], chosen.other == null ? "" : String(chosen.other), (run) => {
        chosen.other = run === "" ? null : +run;
        redraw();
      }));
    if (queues.length) {
      bar.append(choice("Queue", queues.map((queue) => [queue.name, queue.name]), chosen.queue, (queue) => {
        chosen.queue = queue;
        drawTimelines();
      }));
    }
    if (flows.length) {
      bar.append(choice("Flow", flows.map((flow) => [flow.name, flow.label]), chosen.flow, (flow) => {
        chosen.flow = flow;
        drawTimelines();
      }));
    }
  }

  // How far an axis reaches where all is zero.
  const STILL = { packets: 1, bytes: 1e3, rate: 1e6, time: 1e3 };

  function drawTimelines() {
    clear("timelines");
    if (chosen.run == null) {
      return say("timelines", "The results hold no time series (queue_series.csv and flow_series.csv are missing or empty).");
    }
    say("timelines", "Drag over a part to zoom into it, in all pictures at once; double click to see all again. " +
      "Points that lie on the line between their neighbours are left out. Dashed: an iteration of the flow's job begins.");
    const runs = [chosen.run, chosen.other].filter((run, i, all) => run != null && all.indexOf(run) === i);
    const line = (run, index, series, column, label, quiet) => ({
      label: runs.length > 1 ? `${page.runs[run].label}: ${label}` : label,
      stroke: colour(page.runs[run].controller),
      // Two runs of one controller share its colour.
      dash: index && page.runs[runs[0]].controller === page.runs[run].controller ? dash(1) : [],
      width: quiet ? 1 : 1.75,
      alpha: quiet ? 0.55 : 1,
      xs: times(series),
      ys: series.columns[column],
    });
    const gather = (find, columns) => runs.flatMap((run, index) => {
      const one = find(run);
      return one ? columns.map(([column, label, quiet]) => line(run, index, one.series, column, label, quiet)) : [];
    });
    const queue = (run) => queuesOf(run).find((one) => one.name === chosen.queue);
    const flow = (run) => flowsOf(run).find((one) => one.name === chosen.flow);
    const pictures = [
      ["Queue", "packets; thin: the longest in each interval", "packets", gather(queue, [[0, "mean"], [1, "longest", true]])],
      ["Congestion window", "thin: bytes in flight", "bytes", gather(flow, [[0, "window"], [1, "in flight", true]])],
      ["Rate", "", "rate", gather(flow, [[2, "rate"]])],
      ["Smoothed round-trip time", "", "time", gather(flow, [[3, "RTT"]])],
    ].filter(([, , , lines]) => lines.some((one) => one.ys.some((value) => value != null)));
    const ends = pictures.flatMap(([, , , lines]) => lines.flatMap(({ xs }) => [xs[0], xs.at(-1)])).filter((x) => x != null);
    const extent = [Math.min(...ends), Math.max(...ends)];
    const starts = flow(chosen.run)?.iterations ?? [];
    const together = [];
    let passing = false;
    const follow = (u, key) => {
      if (key !== "x" || passing) return;
      passing = true;
      const { min, max } = u.scales.x;
      together.filter((other) => other !== u).forEach((other) => other.setScale("x", { min, max }));
      passing = false;
    };
    for (const [title, note, unit, lines] of pictures) {
      together.push(draw("timelines", {
        title,
        note,
        height: 190,
        lines,
        extent,
        x: { unit: "time", at: (x) => `at ${number(x, "time")}` },
        y: { unit, width: 84, range: (u) => [0, largest(lines, u.scales.x.min ?? extent[0], u.scales.x.max ?? extent[1]) * 1.06 || STILL[unit]] },
        markers: starts.map((x) => ({ x, stroke: css("--line") })),
        cursor: {
          sync: { key: "time", scales: ["x", null], filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
        },
        hooks: { setScale: [follow] },
      }));
    }
  }

  // --- picture 6: the recording --------------------------------------------------------------------------------------

  let node = 0;

  function chooseRecording() {
    const nodes = page.recordings.map((one, i) => [String(i), `${one.node === "all" ? "all nodes" : one.node}, ${one.trace}`]);
    part("recording", ".choices").replaceChildren(...(nodes.length > 1 ? [choice("What is sent by", nodes, String(node), (to) => {
      node = +to;
      drawRecording();
    })] : []));
  }

  function drawRecording() {
    clear("recording");
    const one = page.recordings[node];
    if (!one) return say("recording", "The results hold no recording (trace_rate.csv and trace_ptm.csv are missing or empty).");
    say("recording", "What was captured, before any of it was simulated. PtM(τ) is the most bytes in any window of length τ over the " +
      "mean number in such a window: 1 is perfectly even traffic, the higher the burstier.");
    const ink = css("--text");
    if (one.rate.columns[0].length) {
      const line = { label: "rate", stroke: ink, width: 1, fill: `${css("--quiet")}33`, xs: times(one.rate), ys: one.rate.columns[0] };
      draw("recording", {
        title: "Rate of the recorded traffic",
        height: 290,
        lines: [line],
        x: { unit: "time", at: (x) => `at ${number(x, "time")}` },
        y: { unit: "rate", range: (u) => [0, largest([line], u.scales.x.min ?? 0, u.scales.x.max ?? Infinity) * 1.06 || 1] },
      });
    }
    const curves = page.recordings.filter((other) => other.trace === one.trace && other.tau.length);
    if (!curves.length) return;
    const lines = curves.map((other) => ({
      label: other.node,
      stroke: other === one ? ink : css("--quiet"),
      width: other === one ? 2.5 : 1,
      alpha: other === one ? 1 : 0.6,
      xs: other.tau,
      ys: other.ptm,
    }));
    const high = Math.max(...lines.flatMap((line) => line.ys), 60);
    const low = Math.min(...lines.flatMap((line) => line.ys).filter((value) => value > 0), 1);
    draw("recording", {
      title: "Peak to mean, PtM(τ)",
      note: "against the window length τ",
      height: 290,
      lines,
      x: { unit: "time", logarithmic: true, at: (x) => `τ = ${number(x, "time")}` },
      y: { unit: "ratio", logarithmic: true, range: [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high))] },
      markers: [{ y: 60, text: "60:1" }, { x: 5e6, text: "5 ms" }],
    });
  }

  // --- table, definitions, provenance --------------------------------------------------------------------------------

  function drawTable() {
    const body = el("tbody");
    const rows = page.runs.map((run, i) => {
      const name = el("td", {}, swatch(colours[run.controller], dash(page.lines[run.line].variant)), run.label);
      const cells = run.values.map((value, column) => el("td", {}, number(value, page.metrics[column].unit)));
      const row = el("tr", {}, name, ...cells);
      row.addEventListener("click", () => showRun(i));
      return { row, run, order: i };
    });
    const heads = [{ label: "run", definition: "What sets the run apart.", of: (one) => one.order },
      ...page.metrics.map((metric, column) => ({ ...metric, of: (one) => one.run.values[column] ?? -Infinity }))];
    const cells = heads.map((head) => {
      const button = el("button", { type: "button" }, head.label);
      const cell = el("th", { scope: "col", title: head.definition }, button);
      button.addEventListener("click", () => {
        const down = cell.getAttribute("aria-sort") !== "descending";
        cells.forEach((other) => other.removeAttribute("aria-sort"));
        cell.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sign = down ? -1 : 1;
        rows.sort((a, b) => sign * Math.sign(head.of(a) - head.of(b) || 0) || a.order - b.order);
        body.append(...rows.map(({ row }) => row));
      });
      return cell;
    });
    body.append(...rows.map(({ row }) => row));
    part("table", ".scroll").replaceChildren(el("table", {}, el("thead", {}, el("tr", {}, ...cells)), body));
    fadeRows = () => rows.forEach(({ row, run }) => row.classList.toggle("off", hidden.has(run.controller)));
    fadeRows();
  }

  let fadeRows = () => {};

  function showRun(run) {
    if (!queuesOf(run).length && !flowsOf(run).length) return;
    chosen.run = run;
    chooseTimelines();
    drawTimelines();
    document.getElementById("timelines").scrollIntoView({ behavior: "smooth" });
  }

  function drawDefinitions() {
    part("definitions", "dl").replaceChildren(
      ...page.metrics.flatMap(({ label, definition }) => [el("dt", {}, label), el("dd", {}, definition)]));
  }

  function drawProvenance() {
    const plain = (value) => (typeof value === "object" && value !== null ? JSON.stringify(value) : String(value));
    const inputs = (list) => (Array.isArray(list) ? list : []).map(({ path, sha256 }) => ["input", `${path} (SHA-256 ${sha256})`]);
    const of = (directory) => {
      const { inputs: files, ...rest } = directory.provenance;
      const rows = [
        ["results", `${directory.path}: ${directory.runs} runs${directory.complete ? "" : ", incomplete"}`],
        ["effort", `${number(directory.data_packets, "count")} data packets in ${number(directory.wall, "time")} of computing`],
        ...Object.entries(rest).map(([key, value]) => [key.replaceAll("_", " "), plain(value)]),
        ...inputs(files),
      ];
      return el("table", {}, el("tbody", {}, ...rows.map(([key, value]) => el("tr", {}, el("td", {}, key), el("td", {}, value)))));
    };
    document.getElementById("provenance").replaceChildren(...page.directories.map(of));
  }

  // --- the whole -----------------------------------------------------------------------------------------------------

  function drawControllers() {
    const apply = () => {
      fadeRows();
      for (const plot of Object.values(plots).flat()) {
        plot.lines.forEach((line, i) => {
          if (line.controller != null) plot.u.setSeries(i + 1, { show: isShown(line) });
        });
      }
    };
    document.getElementById("controllers").replaceChildren(...page.controllers.map((name, controller) =>
      toggle([swatch(colours[controller]), name], !hidden.has(controller), (on) => {
        if (on) hidden.delete(controller);
        else hidden.add(controller);
        apply();
      })));
  }

  function drawAll() {
    drawControllers();
    drawComparison();
    drawDistributions();
    drawTimelines();
    drawRecording();
  }

  firstChoice();
  chooseDistributions();
  chooseTimelines();
  chooseRecording();
  drawAll();
  drawTable();
  drawDefinitions();
  drawProvenance();
  // Canvases do not follow the style sheet by themselves.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
