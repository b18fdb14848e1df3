//! Several copies of a job on one network: when each starts.

use burstlab_units::{Span, chance};
use rand::RngExt;

use crate::{Error, Job};

/// When the copies of a job start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Phase {
    /// Each at an instant drawn uniformly from one iteration period.
    #[default]
    Uniform,
    /// All at once.
    Aligned,
    /// Each after its own delay.
    Spans(Vec<Span>),
}

/// When each of `copies` of `job` starts; the period is that of the job as it is given, so scale its computing before.
///
/// The draws of [`Phase::Uniform`] are a stream of their own of `seed`, named after `name`: those of two jobs are
/// independent, and copy k's does not depend on how many copies there are. With `first_at_zero` the first copy starts at
/// zero nevertheless, for a network on which only the differences between copies matter.
///
/// # Errors
/// [`Error::Impossible`] if there are fewer spans than copies.
pub fn phases(
    job: &Job,
    copies: usize,
    phase: &Phase,
    seed: u64,
    name: &str,
    first_at_zero: bool,
) -> Result<Vec<Span>, Error> {
    match phase {
        Phase::Uniform => {
            let mut draws = chance::stream(seed, &format!("phase of {name}"));
            let period = job.period().as_nanos().max(1);
            let mut drawn: Vec<_> = (0..copies).map(|_| Span::from_nanos(draws.random_range(0..period))).collect();
            if let Some(first) = drawn.first_mut().filter(|_| first_at_zero) {
                *first = Span::ZERO;
            }
            Ok(drawn)
        }
        Phase::Aligned => Ok(vec![Span::ZERO; copies]),
        Phase::Spans(spans) => spans.get(..copies).map(<[Span]>::to_vec).ok_or_else(|| {
            Error::Impossible(format!("{copies} copies need as many phases, but only {} are given", spans.len()))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::RingAllReduce;

    fn job() -> Job {
        RingAllReduce::default().job().unwrap()
    }

    fn uniform(copies: usize, seed: u64, name: &str, first_at_zero: bool) -> Vec<Span> {
        phases(&job(), copies, &Phase::Uniform, seed, name, first_at_zero).unwrap()
    }

    #[test]
    fn one_seed_gives_one_set_of_phases() {
        assert_eq!(uniform(8, 7, "a", true), uniform(8, 7, "a", true));
        assert_ne!(uniform(8, 7, "a", true), uniform(8, 8, "a", true));
        assert_eq!(uniform(8, 7, "a", true)[..4], uniform(4, 7, "a", true));
        assert!(uniform(8, 7, "a", false).iter().all(|&phase| phase < job().period()));
    }

    #[test]
    fn two_jobs_draw_apart() {
        assert_ne!(uniform(8, 7, "a", false), uniform(8, 7, "b", false));
    }

    #[test]
    fn the_first_copy_starts_at_zero_only_where_it_is_asked_for() {
        let (at_zero, drawn) = (uniform(3, 7, "a", true), uniform(3, 7, "a", false));
        assert_eq!(at_zero[0], Span::ZERO);
        assert_ne!(drawn[0], Span::ZERO);
        assert_eq!(at_zero[1..], drawn[1..]);
    }

    #[test]
    fn spans_are_taken_as_they_are() {
        let spans = vec![Span::from_millis(3), Span::ZERO, Span::from_millis(1)];
        assert_eq!(phases(&job(), 2, &Phase::Spans(spans.clone()), 0, "a", true).unwrap(), spans[..2]);
        assert_eq!(phases(&job(), 2, &Phase::Aligned, 0, "a", false).unwrap(), [Span::ZERO; 2]);
    }

    #[test]
    fn too_few_phases_are_an_error() {
        let error = phases(&job(), 2, &Phase::Spans(vec![Span::ZERO]), 0, "a", true).unwrap_err();
        assert!(error.to_string().contains("only 1"), "{error}");
    }
}
