//! Recorded training traffic: captures in, jobs out.
//!
//! A [`Trace`] is who sent how many bytes to whom, and when; it comes from packet captures, from a trace file that keeps
//! what matters of one, or from a list of transfers. In it are [`Job`]s: workers, [`Transfer`]s of application bytes, what
//! each of them waits for, and [`Iteration`]s. [`phases`] says when copies of a job start, [`RingAllReduce`] makes a
//! synthetic one, and [`Window`] and [`Backlog`] measure burstiness as traffic passes.
//!
//! ```no_run
//! use burstlab_replay::{ImportOptions, Phase, Trace, phases};
//!
//! let trace = Trace::open(&["traces/resnet50-ddp-4w.pcap.zst"], &ImportOptions::default())?;
//! println!("{} bytes in {} ns", trace.stats().application_bytes, trace.stats().duration);
//! let mut job = trace.into_jobs().remove(0);
//! job.take_iterations(4);
//! job.scale_compute(0.05);
//! for (copy, phase) in phases(&job, 8, &Phase::Uniform, 7, &job.name, true)?.iter().enumerate() {
//!     println!("copy {copy} starts after {phase}");
//! }
//! # Ok::<(), burstlab_replay::Error>(())
//! ```

mod activity;
mod atomic;
mod burstiness;
mod capture;
mod container;
mod describe;
mod error;
mod format;
mod generate;
mod importer;
mod input;
mod iterations;
mod job;
mod jobs;
mod meters;
mod multiplex;
pub mod pcapng;
mod sequence;
mod series;
mod sink;
mod stats;
mod trace;
mod transfer_list;
mod waits;

pub use burstiness::{Backlog, Window};
pub use error::Error;
pub use format::Format;
pub use generate::RingAllReduce;
pub use job::{Connection, Direction, Iteration, Job, Transfer};
pub use multiplex::{Phase, phases};
pub use series::Series;
pub use stats::{BurstStats, FlowStats, IterationStats, NodeStats, TraceDetails, TraceStats};
pub use trace::{ImportOptions, Progress, Trace};
pub use transfer_list::write_transfer_list;
