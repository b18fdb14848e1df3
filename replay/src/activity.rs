//! When each direction of each connection had first-time bytes: what a capture leaves behind after its packets.

use burstlab_units::Span;

/// Pauses up to this never end a stretch: super-packets, interrupt coalescing and the scheduler's slices leave such
/// gaps amid a transfer.
pub(crate) const FINEST_PAUSE: u64 = 100_000;

/// A connection's direction: twice its number, plus one for the way from the opened to the opener.
pub(crate) type Direction = usize;

/// First-time bytes of one direction, with no long pause among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub direction: Direction,
    /// Nanoseconds since the capture's first packet.
    pub start: u64,
    pub end: u64,
    pub bytes: u64,
    /// Of the time from start to end, that in which everything sent was acknowledged: the application paused.
    pub idle: u64,
    /// For how long everything sent before had been acknowledged when it began, up to the pause before it.
    pub quiet: u64,
    /// Whether lost bytes were being repaired when it began: the pause before it is the network's.
    pub repairing: bool,
}

/// Pauses between a direction's packets, by length: two bins per octave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pauses {
    pub bins: Vec<u64>,
}

const BINS: usize = 128;

impl Default for Pauses {
    fn default() -> Pauses {
        Pauses { bins: vec![0; BINS] }
    }
}

/// The bin of a pause: twice its binary logarithm, rounded down. The next bit decides the half: 1.5 lies close to the
/// square root of two, and needs no floating point.
fn bin(pause: u64) -> usize {
    let octave = pause.max(1).ilog2() as usize;
    let upper = octave > 0 && pause >> (octave - 1) & 1 == 1;
    octave * 2 + usize::from(upper)
}

/// The shortest pause of a bin.
fn least(bin: usize) -> u64 {
    let octave = 1u64 << (bin / 2);
    if bin.is_multiple_of(2) { octave } else { octave + octave / 2 }
}

impl Pauses {
    #[inline]
    pub fn add(&mut self, pause: u64) {
        self.bins[bin(pause)] += 1;
    }

    /// The pause that separates bursts: the bottom of the valley between pauses within a transfer and pauses between
    /// transfers.
    ///
    /// From the commonest pause upwards, and never below [`FINEST_PAUSE`], the emptiest place is sought after which
    /// the counts rise again by a quarter; where a whole stretch of bins is equally empty, its geometric middle. If the
    /// counts only fall, there is no second kind of pause to tell apart, and half a millisecond is taken: above
    /// what switches and schedulers add, below what computing takes.
    pub fn valley(&self) -> Span {
        const RISE: (u64, u64) = (5, 4);
        const UNDECIDED: Span = Span::from_micros(500);
        let commonest = (0..BINS).rev().max_by_key(|&b| self.bins[b]).unwrap_or(0);
        let floor = bin(FINEST_PAUSE).max(commonest + 2);
        let last = (0..BINS).rev().find(|&b| self.bins[b] > 0).unwrap_or(0);
        let (mut lowest, mut from, mut to) = (u64::MAX, floor, floor);
        for b in floor..=last {
            let count = self.bins[b];
            if count < lowest {
                (lowest, from, to) = (count, b, b);
            } else if count == lowest && to + 1 == b {
                to = b;
            } else if count * RISE.1 >= lowest * RISE.0 && count >= lowest + 3 {
                break;
            }
        }
        let rises = (to + 1..=last).any(|b| self.bins[b] * RISE.1 >= lowest.saturating_mul(RISE.0) && self.bins[b] > 0);
        if lowest == u64::MAX || !rises { UNDECIDED } else { Span::from_nanos(least((from + to + 1).div_ceil(2))) }
    }
}

/// Collects stretches as first-time bytes pass.
#[derive(Debug)]
pub(crate) struct Activity {
    pub stretches: Vec<Stretch>,
    pub pauses: Pauses,
    open: Vec<Option<Stretch>>,
    finest: u64,
}

/// What was known of a direction just before bytes were sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    /// Since when everything sent was acknowledged; nothing if something was not.
    pub drained_since: Option<u64>,
    pub repairing: bool,
}

impl Activity {
    /// Pauses longer than `finest` end a stretch.
    pub fn new(finest: Option<Span>) -> Activity {
        let finest = finest.map_or(FINEST_PAUSE, |gap| gap.as_nanos().min(FINEST_PAUSE));
        Activity { stretches: Vec::new(), pauses: Pauses::default(), open: Vec::new(), finest }
    }

    /// `bytes` that were not sent before pass at `time`.
    #[inline]
    pub fn send(&mut self, direction: Direction, time: u64, bytes: u64, before: Before) {
        if direction >= self.open.len() {
            self.open.resize(direction + 1, None);
        }
        let slot = &mut self.open[direction];
        let mut quiet = 0;
        if let Some(open) = slot {
            let pause = time - open.end;
            quiet = before.drained_since.map_or(0, |since| time - since).min(pause);
            self.pauses.add(pause);
            if pause <= self.finest {
                open.idle += quiet;
                open.end = time;
                open.bytes += bytes;
                return;
            }
            self.stretches.push(*open);
        }
        let repairing = before.repairing;
        *slot = Some(Stretch { direction, start: time, end: time, bytes, idle: 0, quiet, repairing });
    }

    /// Ends all stretches, and puts them in order of their start.
    pub fn finish(mut self) -> (Vec<Stretch>, Pauses) {
        self.stretches.extend(self.open.into_iter().flatten());
        self.stretches.sort_by_key(|s| (s.start, s.direction));
        (self.stretches, self.pauses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Before = Before { drained_since: None, repairing: false };

    fn pauses(counts: &[(u64, u64)]) -> Pauses {
        let mut pauses = Pauses::default();
        counts.iter().for_each(|&(pause, n)| (0..n).for_each(|_| pauses.add(pause)));
        pauses
    }

    #[test]
    fn every_pause_lies_between_the_bounds_of_its_bin() {
        for pause in (1..100_000u64).chain([u64::MAX - 1, u64::MAX]) {
            assert!(least(bin(pause)) <= pause, "{pause}");
            assert!(bin(pause) + 1 == BINS || pause < least(bin(pause) + 1) || pause < 4, "{pause}");
        }
    }

    #[test]
    fn the_gap_lies_between_pauses_within_transfers_and_pauses_between_them() {
        let gap = pauses(&[(30_000, 5000), (60_000, 800), (5_000_000, 40), (8_000_000, 30)]).valley();
        assert!((Span::from_micros(100)..Span::from_millis(5)).contains(&gap), "{gap}");
    }

    #[test]
    fn on_a_slow_link_the_gap_is_longer_than_a_packet_takes() {
        let gap = pauses(&[(1_200_000, 5000), (700_000_000, 40)]).valley();
        assert!((Span::from_millis(2)..Span::from_millis(700)).contains(&gap), "{gap}");
    }

    #[test]
    fn without_pauses_between_transfers_there_is_nothing_to_find() {
        assert_eq!(pauses(&[(30_000, 5000)]).valley(), Span::from_micros(500));
        assert_eq!(Pauses::default().valley(), Span::from_micros(500));
    }

    #[test]
    fn a_steady_stream_is_one_stretch_however_long_it_is() {
        let mut activity = Activity::new(None);
        (0..100_000).for_each(|i| activity.send(0, i * 50_000, 1000, BUSY));
        let (stretches, _) = activity.finish();
        assert_eq!(stretches.len(), 1);
        assert_eq!(stretches[0].bytes, 100_000_000);
    }

    #[test]
    fn time_without_anything_under_way_is_the_applications() {
        let mut activity = Activity::new(None);
        activity.send(0, 0, 1000, BUSY);
        activity.send(0, 90_000, 1000, Before { drained_since: Some(20_000), repairing: false });
        activity.send(0, 1_000_000, 1000, Before { drained_since: Some(950_000), repairing: false });
        let (stretches, _) = activity.finish();
        assert_eq!((stretches[0].idle, stretches[1].quiet), (70_000, 50_000));
    }
}
