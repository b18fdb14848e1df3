use std::path::{Path, PathBuf};
use std::sync::Arc;

use burstlab_replay::{Error, Format, ImportOptions, NodeStats, Trace, TraceDetails, TraceStats};
use burstlab_units::{ParseError, Rate, Span};
use clap::{Args, Subcommand};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, Json, output, signals};

/// `burstlab trace`
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Keep what matters of captures (pcap, pcapng; plain, .gz or .zst) in one small trace file
    Import {
        /// The captures; several are merged by time
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The trace file to write, compressed if its name ends in .zst
        #[arg(short = 'o', long = "out", value_name = "TRACE")]
        out: PathBuf,
        /// The files' format: pcap, pcapng, trace or csv; told from the content if not given
        #[arg(long, value_name = "FORMAT")]
        from: Option<Format>,
    },
    /// How bursty the traffic is: E(tau), PtM(tau) and Bmax(rate) of what each node sends
    Stats {
        #[command(flatten)]
        source: Source,
        /// Whom to measure: all, a node's address, or a flow as SOURCE:PORT>DESTINATION:PORT
        #[arg(long, value_name = "all|NODE")]
        at: Option<String>,
        /// Lengths of windows for E and PtM
        #[arg(long, value_name = "SPAN,...", value_delimiter = ',', default_value = "5ms", value_parser = window)]
        tau: Vec<Span>,
        /// Rates of a server for Bmax, the most that would wait before it
        #[arg(long, value_name = "RATE,...", value_delimiter = ',', default_value = "10Gbit/s", value_parser = server)]
        rate: Vec<Rate>,
    },
    /// Flows, bursts and iterations
    Show {
        #[command(flatten)]
        source: Source,
    },
}

/// What is read.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// A trace or a capture
    #[arg(value_name = "TRACE|CAPTURE")]
    file: PathBuf,
    #[command(flatten)]
    json: Json,
}

fn window(text: &str) -> Result<Span, String> {
    match text.parse().map_err(|error: ParseError| error.to_string())? {
        Span::ZERO => Err("a window of no length holds nothing".to_owned()),
        tau => Ok(tau),
    }
}

fn server(text: &str) -> Result<Rate, String> {
    match text.parse().map_err(|error: ParseError| error.to_string())? {
        Rate::ZERO => Err("a server of rate zero serves nothing".to_owned()),
        rate => Ok(rate),
    }
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Import { files, out, from } => {
            let options = ImportOptions { format: *from, ..ImportOptions::default() };
            let trace = reading(options, |options| Trace::import(files, out, options))?;
            let stats = trace.stats();
            let text =
                format!("{}: {} packets, {} application bytes", out.display(), stats.packets, stats.application_bytes);
            output::line(&text)
        }
        Command::Stats { source, at, tau, rate } => {
            let flows = at.as_ref().is_some_and(|at| at.contains('>'));
            let options = ImportOptions { taus: tau.clone(), rates: rate.clone(), flows, ..ImportOptions::default() };
            let trace = reading(options, |options| Trace::open(&[&source.file], options))?;
            let stats = only_at(trace.stats(), at.as_deref(), &source.file)?;
            if source.json.json {
                output::json(&stats)
            } else {
                output::line(describe_stats(&stats, at.as_deref()).trim_end())
            }
        }
        Command::Show { source } => {
            let trace = reading(ImportOptions::default(), |options| Trace::open(&[&source.file], options))?;
            let details = trace.details();
            if source.json.json { output::json(&details) } else { output::line(describe_details(&details).trim_end()) }
        }
    }
}

/// Reads with progress on a terminal, and says what was amiss.
fn reading(
    mut options: ImportOptions,
    read: impl FnOnce(&ImportOptions) -> Result<Trace, Error>,
) -> Result<Trace, Failure> {
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("[{bar:24}] {bytes} of {total_bytes}, {eta} left") {
        bar.set_style(style.progress_chars("=> "));
    }
    let shown = bar.clone();
    options.progress = Some(Arc::new(move |read, total| {
        shown.set_length(total);
        shown.set_position(read);
    }));
    options.cancel = Some(signals::stop_on_signal()?.flag());
    let trace = read(&options);
    bar.finish_and_clear();
    let trace = trace.map_err(|error| match error {
        Error::Cancelled => Failure::Interrupted("interrupted; nothing was written".to_owned()),
        Error::Write { .. } => Failure::Machine(error.to_string()),
        error => Failure::Input(error.to_string()),
    })?;
    trace.warnings().iter().for_each(|warning| output::note(warning));
    if trace.duplicates() > 0 {
        output::note(&format!("{} packets were captured twice; they count once", trace.duplicates()));
    }
    Ok(trace)
}

/// Leaves only `at` among the nodes, or among the flows; `all` leaves the whole alone.
fn only_at(mut stats: TraceStats, at: Option<&str>, file: &Path) -> Result<TraceStats, Failure> {
    let Some(at) = at else { return Ok(stats) };
    let known: Vec<String> = stats.nodes.iter().map(|node| node.node.clone()).collect();
    stats.nodes.retain(|node| node.node == at);
    stats.per_flow.retain(|flow| flow.node == at);
    if at != "all" && stats.nodes.is_empty() && stats.per_flow.is_empty() {
        let what = if at.contains('>') { "flow" } else { "node" };
        let message = format!("--at: there is no {what} {at} in {}; nodes: {}", file.display(), known.join(", "));
        return Err(Failure::Input(message));
    }
    Ok(stats)
}

fn describe_stats(stats: &TraceStats, at: Option<&str>) -> String {
    let whole = if at.is_none_or(|at| at == "all") { Some(&stats.all) } else { None };
    let shown: Vec<&NodeStats> = stats.nodes.iter().chain(&stats.per_flow).chain(whole).collect();
    let Some(first) = shown.first() else { return String::new() };
    let taus = first.e.keys().map(|ns| Span::from_nanos(*ns));
    let rates = first.bmax.keys().map(|bits| Rate::from_bits_per_sec(*bits));
    let mut table = plain_table();
    table.set_header(
        ["sender", "bytes", "mean"]
            .map(str::to_owned)
            .into_iter()
            .chain(taus.flat_map(|tau| [format!("E({tau})"), format!("PtM({tau})")]))
            .chain(rates.map(|rate| format!("Bmax({rate})"))),
    );
    for node in shown {
        let windows = node.e.iter().flat_map(|(tau, most)| {
            [most.to_string(), format!("{:.1}", node.ptm.get(tau).copied().unwrap_or_default())]
        });
        let mean = format!("{:.1} Mbit/s", node.mean_rate as f64 / 1e6);
        let start = [node.node.clone(), node.sent_bytes.to_string(), mean];
        table.add_row(start.into_iter().chain(windows).chain(node.bmax.values().map(u64::to_string)));
    }
    format!("{}\n{}", heading(stats), lines(&mut table))
}

fn describe_details(details: &TraceDetails) -> String {
    let mut flows = plain_table();
    flows.set_header(["flow", "bytes", "bursts", "start", "end"]);
    for flow in &details.flows {
        flows.add_row([
            format!("{}:{} > {}:{}", flow.source, flow.source_port, flow.destination, flow.destination_port),
            flow.application_bytes.to_string(),
            flow.bursts.to_string(),
            seconds(flow.start),
            seconds(flow.end),
        ]);
    }
    let mut bursts = plain_table();
    bursts.set_header(["job", "bursts", "gap", "mean bytes", "median byte in", "largest"]);
    for job in &details.bursts {
        let gap = Span::from_nanos(job.gap).to_string();
        let sizes = [job.mean_bytes, job.median_byte_bytes, job.max_bytes].map(|bytes| bytes.to_string());
        bursts.add_row([job.job.clone(), job.count.to_string(), gap].into_iter().chain(sizes));
    }
    let mut iterations = plain_table();
    iterations.set_header(["iteration", "start", "communication", "end", "bytes"]);
    for iteration in &details.iterations {
        iterations.add_row([
            format!("{} {}", iteration.job, iteration.iteration),
            seconds(iteration.start),
            format!("{} to {}", seconds(iteration.communication_start), seconds(iteration.communication_end)),
            seconds(iteration.end),
            iteration.bytes.to_string(),
        ]);
    }
    let parts = [heading(&details.stats), lines(&mut flows), lines(&mut bursts), lines(&mut iterations)];
    parts.join("\n")
}

fn heading(stats: &TraceStats) -> String {
    format!(
        "{}: {} packets in {} s, {} bytes of payload, {} of them application bytes\n",
        stats.format,
        stats.packets,
        seconds(stats.duration),
        stats.payload_bytes,
        stats.application_bytes
    )
}

fn seconds(ns: u64) -> String {
    format!("{:.6}", ns as f64 / 1e9)
}

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// Names to the left, figures to the right.
fn lines(table: &mut Table) -> String {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_cell_alignment(if index == 0 { CellAlignment::Left } else { CellAlignment::Right });
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
