//! Several copies of a job on one network: when each starts, and on which hosts its workers sit.

use std::str::FromStr;

use burstlab_units::{Span, chance};
use rand::RngExt;

use crate::{Error, Job};

/// When the copies of a job start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Phase {
    /// The first at once, each other at an instant drawn uniformly from one iteration period.
    #[default]
    Uniform,
    /// All at once.
    Aligned,
    /// Each after its own delay.
    Spans(Vec<Span>),
}

/// Where the workers of copies sit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placement {
    /// Worker i of every copy on host i, so that copies share its link.
    #[default]
    Shared,
    /// Every worker of every copy on a host of its own.
    Spread,
}

impl FromStr for Phase {
    type Err = Error;
    fn from_str(name: &str) -> Result<Phase, Error> {
        match name {
            "uniform" => Ok(Phase::Uniform),
            "aligned" => Ok(Phase::Aligned),
            _ => Err(Error::Impossible(format!(
                "unknown phase \"{name}\"; expected \"uniform\", \"aligned\" or a list of spans"
            ))),
        }
    }
}

impl FromStr for Placement {
    type Err = Error;
    fn from_str(name: &str) -> Result<Placement, Error> {
        match name {
            "shared" => Ok(Placement::Shared),
            "spread" => Ok(Placement::Spread),
            _ => Err(Error::Impossible(format!("unknown placement \"{name}\"; expected \"shared\" or \"spread\""))),
        }
    }
}

/// One copy of a job on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedJob {
    /// Counted from zero.
    pub copy: usize,
    /// When the copy's time zero comes.
    pub offset: Span,
    /// The host of each worker, counted from zero.
    pub hosts: Vec<usize>,
}

/// Places `copies` of `job`, whose period is that of the job as it is given: scale its computing before. With [`Phase::Uniform`] the first starts at zero, as only the differences matter; the draws are
/// a stream of their own of `seed`, in which copy k's delay does not depend on how many copies there are.
///
/// # Errors
/// [`Error::Impossible`] if there are fewer spans than copies.
pub fn multiplex(
    job: &Job,
    copies: usize,
    phase: &Phase,
    placement: Placement,
    seed: u64,
) -> Result<Vec<PlacedJob>, Error> {
    let workers = job.workers.len();
    let mut draws = chance::stream(seed, "phase");
    let period = job.period().as_nanos();
    let offset = |copy: usize, draw: u64| match phase {
        Phase::Uniform => Ok(Span::from_nanos(if copy == 0 { 0 } else { draw })),
        Phase::Aligned => Ok(Span::ZERO),
        Phase::Spans(spans) => spans.get(copy).copied().ok_or_else(|| {
            Error::Impossible(format!("{copies} copies need as many phases, but only {} are given", spans.len()))
        }),
    };
    let place = |copy: usize| {
        let draw = draws.random_range(0..period.max(1));
        let first = if placement == Placement::Shared { 0 } else { copy * workers };
        Ok(PlacedJob { copy, offset: offset(copy, draw)?, hosts: (first..first + workers).collect() })
    };
    (0..copies).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::RingAllReduce;

    fn job() -> Job {
        RingAllReduce::default().job().unwrap()
    }

    #[test]
    fn one_seed_gives_one_set_of_phases() {
        let placed = |seed, n| multiplex(&job(), n, &Phase::Uniform, Placement::Shared, seed).unwrap();
        assert_eq!(placed(7, 8), placed(7, 8));
        assert_ne!(placed(7, 8), placed(8, 8));
        assert_eq!(placed(7, 8)[..4], placed(7, 4));
        assert_eq!(placed(7, 8)[0].offset, Span::ZERO);
        assert!(placed(7, 8).iter().all(|p| p.offset < job().period()));
    }

    #[test]
    fn copies_share_hosts_or_have_their_own() {
        let hosts = |placement| {
            let placed = multiplex(&job(), 2, &Phase::Aligned, placement, 0).unwrap();
            placed.into_iter().map(|p| p.hosts).collect::<Vec<_>>()
        };
        assert_eq!(hosts(Placement::Shared), [[0, 1, 2, 3], [0, 1, 2, 3]]);
        assert_eq!(hosts(Placement::Spread), [[0, 1, 2, 3], [4, 5, 6, 7]]);
    }

    #[test]
    fn too_few_phases_are_an_error() {
        let phase = Phase::Spans(vec![Span::ZERO]);
        let error = multiplex(&job(), 2, &phase, Placement::Shared, 0).unwrap_err();
        assert!(error.to_string().contains("only 1"), "{error}");
    }
}
