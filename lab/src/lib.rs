//! The `burstlab` program: experiments, running them, results and what is made of them.

pub mod bundled;
pub mod experiment;
pub mod results;
