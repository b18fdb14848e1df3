//! The `burstlab` program: experiments, running them, results and what is made of them.

pub mod bundled;
pub mod check;
pub mod experiment;
pub mod report;
pub mod results;
pub mod runner;
pub mod table;
