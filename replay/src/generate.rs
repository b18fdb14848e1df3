//! Synthetic jobs.

use burstlab_units::{Bytes, Rate, Span};

use crate::job::{Connection, Direction, Iteration, Job, Transfer};
use crate::{Error, waits};

/// Data-parallel training: in each iteration every worker computes, and gradients are summed bucket by bucket in
/// rings. A ring all-reduce of b bytes among n workers takes 2 (n - 1) steps, in each of which every worker sends b / n bytes
/// to the next one once it has what the step before brought (Patarasuk, Yuan: Bandwidth optimal all-reduce algorithms,
/// 2009).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingAllReduce {
    /// What to call the job.
    pub name: String,
    /// How many workers; at least two.
    pub workers: usize,
    /// Bytes that are summed in each iteration.
    pub bytes: Bytes,
    /// Into how many equal buckets they are divided, one all-reduce each.
    pub buckets: usize,
    /// Computing in each iteration; the buckets become ready at equal steps through its second half.
    pub compute: Span,
    /// How many iterations.
    pub iterations: usize,
    /// The rate of a worker's link, by which starts and ends are laid out for open replay.
    pub rate: Rate,
}

impl Default for RingAllReduce {
    fn default() -> RingAllReduce {
        RingAllReduce {
            name: "ring".into(),
            workers: 4,
            bytes: Bytes::new(100_000_000),
            buckets: 4,
            compute: Span::from_millis(200),
            iterations: 8,
            rate: Rate::from_bits_per_sec(10_000_000_000),
        }
    }
}

impl RingAllReduce {
    /// The job.
    ///
    /// # Errors
    /// [`Error::Impossible`] if there are fewer than two workers, no bucket, no iteration, fewer bytes than a byte for each
    /// worker and bucket, or a rate of zero.
    pub fn job(&self) -> Result<Job, Error> {
        self.check()?;
        let n = self.workers;
        let address = |i: usize| format!("10.0.{}.{}", i / 250, i % 250 + 1);
        let connection = |i: usize| Connection { from: i, to: (i + 1) % n, from_port: 40_000, to_port: 29_500 };
        let mut job = Job {
            name: self.name.clone(),
            workers: (0..n).map(address).collect(),
            connections: (0..n).map(connection).collect(),
            transfers: Vec::new(),
            iterations: Vec::new(),
            origin: Span::ZERO,
            peak_rate: self.rate,
            left_out: Bytes::ZERO,
        };
        let mut start = Span::ZERO;
        for k in 0..self.iterations {
            start = self.iteration(&mut job, k, start);
        }
        waits::infer(&mut job);
        Ok(job)
    }

    fn check(&self) -> Result<(), Error> {
        let fail = |what: String| Err(Error::Impossible(format!("a ring all-reduce cannot have {what}")));
        let least = self.workers.saturating_mul(self.buckets) as u64;
        if self.workers < 2 {
            return fail(format!("{} workers; expected at least 2", self.workers));
        }
        if self.buckets == 0 || self.iterations == 0 {
            return fail(format!("{} buckets and {} iterations; expected at least 1", self.buckets, self.iterations));
        }
        if self.bytes.get() < least {
            return fail(format!("{}; expected at least a byte per worker and bucket, {least}B", self.bytes));
        }
        if self.rate == Rate::ZERO {
            return fail("a rate of zero".into());
        }
        Ok(())
    }

    /// Lays out one iteration; returns its end.
    fn iteration(&self, job: &mut Job, k: usize, start: Span) -> Span {
        let piece = Bytes::new(self.bytes.get() / (self.workers * self.buckets) as u64);
        let busy = self.rate.transmission_time(piece);
        let half = self.compute / 2;
        let (mut free, mut bytes) = (start, Bytes::ZERO);
        let comm_start = start + half + half / self.buckets as u64;
        for bucket in 1..=self.buckets as u64 {
            let ready = start + half + half * bucket / self.buckets as u64;
            let mut begin = free.max(ready);
            for _ in 0..2 * (self.workers - 1) {
                for connection in 0..self.workers {
                    job.transfers.push(Transfer {
                        connection,
                        direction: Direction::Forward,
                        bytes: piece,
                        start: begin,
                        end: begin + busy,
                        busy,
                        iteration: k,
                        after: Vec::new(),
                        compute: Span::ZERO,
                    });
                    bytes += piece;
                }
                begin += busy;
            }
            free = begin;
        }
        job.iterations.push(Iteration { start, end: free, comm_start, comm_end: free, bytes });
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_worker_sends_twice_its_share_to_every_other() {
        let ring = RingAllReduce { workers: 4, bytes: Bytes::new(4_000_000), ..RingAllReduce::default() };
        let job = ring.job().unwrap();
        // 2 (n - 1) / n of the bytes for each of n workers.
        assert_eq!(job.iterations[0].bytes, Bytes::new(24_000_000));
        assert_eq!(job.iterations.len(), 8);
        assert!(job.transfers.iter().enumerate().all(|(i, t)| t.after.iter().all(|&d| d < i)));
    }

    #[test]
    fn a_step_waits_for_what_the_step_before_brought() {
        let job = RingAllReduce::default().job().unwrap();
        let second = &job.transfers[4];
        assert_eq!(second.compute, Span::ZERO);
        // Worker 0 waits for its own first piece and for that of worker 3.
        assert_eq!(second.after, [0, 3]);
    }

    #[test]
    fn recorded_times_are_those_of_the_replay_on_the_recorded_network() {
        let job = RingAllReduce::default().job().unwrap();
        let mut again = job.clone();
        again.scale_compute(1.0);
        assert_eq!(job, again);
    }

    #[test]
    fn scaled_computing_shortens_iterations_to_their_communication() {
        let mut job = RingAllReduce::default().job().unwrap();
        job.take_iterations(3);
        assert_eq!(job.iterations.len(), 3);
        job.scale_compute(0.0);
        let bytes = Bytes::new(job.iterations[0].bytes.get() / 4);
        assert_eq!(job.period(), Rate::from_bits_per_sec(10_000_000_000).transmission_time(bytes));
    }

    #[test]
    fn a_ring_of_one_is_refused() {
        let error = RingAllReduce { workers: 1, ..RingAllReduce::default() }.job().unwrap_err();
        assert!(error.to_string().contains("at least 2"), "{error}");
    }
}
