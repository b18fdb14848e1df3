//! Results: what a run leaves behind, as types. The writer, the report and the baseline check share them.

mod percentiles;
pub mod provenance;
mod real_time;
mod rows;
mod summary;
mod writer;

pub use percentiles::{Percentiles, RatioPercentiles};
pub use provenance::{Input, Provenance};
pub use real_time::RealTimeRun;
pub use rows::{
    BurstRow, Direction, DistributionRow, FlowRow, FlowSeriesRow, IterationRow, QueueRow, QueueSeriesRow, Row,
    SignalSeriesRow, TracePtmRow, TraceRateRow,
};
pub(crate) use summary::parse_schema;
pub use summary::{
    Bottleneck, BrokenOff, BurstSummary, CellResult, FlowSummary, JobSummary, QueuePackets, QueueSummary, ReadError,
    Run, SCHEMA, Summary, TraceRows,
};
pub use writer::Writer;
pub(crate) use writer::replace;
