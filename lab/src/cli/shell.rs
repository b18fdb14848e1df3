//! `burstlab shell`

use std::path::PathBuf;

use burstlab_algorithms::Registry;
use clap::Args;

use super::hosting::{self, conclude};
use super::{Failure, Json, output, report, run};
use crate::experiment;
use crate::results::{Provenance, Writer};
use crate::table;
use crate::tap::Keep;

/// `burstlab shell`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The experiment whose network is built
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    #[command(flatten)]
    hosting: hosting::Options,
    /// Play the experiment's jobs and flows beside the programs
    #[arg(long)]
    traffic: bool,
    /// Where results go; default results/NAME
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write a capture, run-0.pcapng: each packet at each queue, with its wait, marks and drops as comments
    #[arg(long)]
    pcap: bool,
    #[command(flatten)]
    json: Json,
}

pub(super) fn run(arguments: &Arguments, registry: &Registry) -> Result<(), Failure> {
    let Arguments { experiment, hosting, traffic, out, pcap, json } = arguments;
    let mut made = hosting.prepare(Some(experiment), registry, *traffic, json.json)?;
    let folder = out.clone().unwrap_or_else(|| experiment::default_results(&made.experiment.name));
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::Input(format!("--out: {} is not a folder", folder.display())));
    }
    if *pcap {
        std::fs::create_dir_all(&folder).map_err(|error| Failure::Machine(run::unwritable(&folder, &error)))?;
        let keep = hosting.snap.map_or(Keep::Headers, Keep::Bytes);
        made = made.with_lab(|lab| lab.capturing(folder.clone(), keep));
    }
    let provenance = Provenance::of(&made.experiment, &run::command(std::env::args_os())).map_err(Failure::Input)?;
    let mut writer = Writer::new(folder, &made.experiment, provenance, std::mem::take(&mut made.rows));
    let (result, verdict) = made.run()?;
    let broken_off = result.broken_off.clone();
    let unwritable =
        |error: std::io::Error| Failure::Machine(run::unwritable(out.as_deref().unwrap_or("results".as_ref()), &error));
    writer.add(result).map_err(unwritable)?;
    if broken_off.is_none() {
        writer.complete().map_err(unwritable)?;
    }
    let file = writer.folder().join(report::FILE);
    crate::report::build(&[writer.folder().to_owned()], &file).map_err(report::failure)?;
    if json.json {
        output::json(writer.summary())?;
    } else {
        // Standard output is the programs'.
        output::aside(&format!("{}\n{}", table::render(writer.summary(), output::width()), file.display()));
    }
    if let Some(crate::cell::BrokenOff::Machine(why)) = broken_off {
        return Err(Failure::Machine(why));
    }
    conclude(&verdict, &format!("what was measured is kept in {}", writer.folder().display()))
}
