//! `report.html`: one file with interactive pictures of one or several results directories.
//!
//! What is shown is prepared here, in Rust: runs are grouped into lines, time series thinned to what a screen can show,
//! the headline worded. Drawing is done in the browser by `assets/report.js` with uPlot (through `assets/plot.js`).
//! Everything is embedded, so the file opens from disk, without a server or a network.
//!
//! * [`build`] is the whole interface.
//! * `input` reads a directory, `facets` finds what tells its runs apart, `metrics` defines each number shown.
//! * `lines`, `distributions`, `timelines` and `recording` prepare the pictures; `headline` puts them into words.
//! * `page` gathers all of it into one document, `html` writes that into the template.

mod distributions;
mod error;
mod facets;
mod headline;
mod html;
mod humanise;
mod input;
mod lines;
mod metrics;
mod page;
mod recording;
mod thin;
mod timelines;

pub use error::Error;
pub use metrics::Unit;

use std::path::{Path, PathBuf};

/// Reads the results directories `dirs` and writes one report over all their runs to the file `out`.
///
/// A directory needs its `summary.json`; each other file may be missing, and its picture is then replaced by a sentence
/// saying so. `out` is replaced only once the report is complete.
///
/// # Errors
/// [`Error`] names the file, and where there is one the line, that could not be read, understood or written.
pub fn build(dirs: &[PathBuf], out: &Path) -> Result<(), Error> {
    if dirs.is_empty() {
        return Err(Error::NoDirectories);
    }
    let directories = dirs.iter().map(|dir| input::Directory::open(dir)).collect::<Result<Vec<_>, _>>()?;
    let page = page::assemble(directories)?;
    html::write(&page, out)
}

#[cfg(test)]
mod tests;
