//! HyStart++ (RFC 9406): leaves slow start as delay rises, before the queue overflows.

use crate::aimd::Window;
use crate::{Ack, Span};

/// Least rise of the round-trip time that counts (RFC 9406, section 4.3).
const MIN_RTT_THRESH: Span = Span::from_millis(4);
/// Greatest rise that is waited for (RFC 9406, section 4.3).
const MAX_RTT_THRESH: Span = Span::from_millis(16);
/// The rise that counts, as a fraction of the round-trip time (RFC 9406, section 4.3).
const MIN_RTT_DIVISOR: u64 = 8;
/// Samples that a round needs to be judged by (RFC 9406, section 4.3).
const N_RTT_SAMPLE: u32 = 8;
/// Conservative slow start is slower by this (RFC 9406, section 4.3).
const CSS_GROWTH_DIVISOR: u64 = 4;
/// Rounds of conservative slow start before slow start is over (RFC 9406, section 4.3).
const CSS_ROUNDS: u32 = 5;
/// Packets by which one ACK may enlarge the window of an unpaced sender (RFC 9406, section 4.3).
const L: u64 = 8;

/// How the window may grow now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    /// As in slow start without HyStart++.
    Plain,
    /// Slow start.
    Standard,
    /// Conservative slow start: delay rose, and it is being seen whether that lasts.
    Conservative,
    /// Slow start is over.
    Exit,
}

impl Growth {
    /// Enlarges the window by what `ack` delivered; returns why.
    pub(crate) fn slow_start(self, window: &mut Window, ack: &Ack) -> &'static str {
        match self {
            Growth::Plain => {
                window.slow_start(ack, 1);
                "slow start"
            }
            Growth::Standard => {
                window.slow_start_limited(ack, 1, L);
                "slow start"
            }
            Growth::Conservative => {
                window.slow_start_limited(ack, CSS_GROWTH_DIVISOR, L);
                "conservative slow start"
            }
            Growth::Exit => "delay rose: slow start ended",
        }
    }
}

/// What HyStart++ knows of the first slow start.
#[derive(Debug, Clone)]
pub(crate) struct HyStart {
    /// Stream position at which the round ends.
    round_end: u64,
    last_round_min: Span,
    round_min: Span,
    samples: u32,
    /// In conservative slow start: the round-trip time that began it, and the rounds since.
    conservative: Option<(Span, u32)>,
}

/// Lets `hystart`, if there is one, judge `ack`; ends slow start by the threshold when it says so.
///
/// Only for the first slow start (RFC 9406, section 4.3): later ones have a threshold to end at.
pub(crate) fn observe(hystart: &mut Option<HyStart>, window: &mut Window, ack: &Ack) -> Growth {
    let Some(state) = hystart else { return Growth::Plain };
    if !window.in_first_slow_start() {
        *hystart = None;
        return Growth::Plain;
    }
    let growth = state.on_ack(ack);
    if growth == Growth::Exit {
        window.ssthresh = window.cwnd;
        *hystart = None;
    }
    growth
}

impl HyStart {
    pub(crate) fn new() -> HyStart {
        HyStart { round_end: 0, last_round_min: Span::MAX, round_min: Span::MAX, samples: 0, conservative: None }
    }

    /// RFC 9406, section 4.2.
    fn on_ack(&mut self, ack: &Ack) -> Growth {
        if ack.una >= self.round_end {
            self.begin_round(ack.next);
            if self.conservative.is_some_and(|(_, rounds)| rounds >= CSS_ROUNDS) {
                return Growth::Exit;
            }
        }
        if let Some(rtt) = ack.rtt {
            self.round_min = self.round_min.min(rtt);
            self.samples += 1;
        }
        if self.samples >= N_RTT_SAMPLE {
            self.judge();
        }
        if self.conservative.is_some() { Growth::Conservative } else { Growth::Standard }
    }

    fn begin_round(&mut self, next: u64) {
        self.round_end = next;
        self.last_round_min = self.round_min;
        self.round_min = Span::MAX;
        self.samples = 0;
        if let Some((_, rounds)) = &mut self.conservative {
            *rounds += 1;
        }
    }

    fn judge(&mut self) {
        match self.conservative {
            // The rise did not last: it was jitter.
            Some((baseline, _)) if self.round_min < baseline => self.conservative = None,
            Some(_) => {}
            None if self.last_round_min != Span::MAX => {
                let threshold = (self.last_round_min / MIN_RTT_DIVISOR).clamp(MIN_RTT_THRESH, MAX_RTT_THRESH);
                if self.round_min >= self.last_round_min + threshold {
                    self.conservative = Some((self.round_min, 0));
                }
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    /// Feeds rounds of ten ACKs each, all of one round-trip time; returns what was said at the end of each.
    fn rounds(state: &mut HyStart, first: u64, rtts_ms: &[u64]) -> Vec<Growth> {
        let round = |(i, &ms): (usize, &u64)| {
            let begin = (first + i as u64) * 10;
            let feed = |packet| {
                let rtt = Some(Span::from_millis(ms));
                state.on_ack(&Ack { una: begin + packet, next: begin + 10, rtt, ..testing::ack(1) })
            };
            (0..10).map(feed).last().unwrap()
        };
        rtts_ms.iter().enumerate().map(round).collect()
    }

    // holds: RFC9406 4.3 #1
    #[test]
    fn a_rise_by_an_eighth_begins_conservative_slow_start_and_five_rounds_end_it() {
        let mut state = HyStart::new();
        let said = rounds(&mut state, 0, &[80, 89, 91, 100, 100, 100, 100, 100]);
        let (standard, conservative) = (Growth::Standard, Growth::Conservative);
        // 80 to 89 ms is less than an eighth more; 89 to 91 less again; 91 to 100 is over 4 ms but under an eighth.
        assert_eq!(said, [standard; 8]);
        let said = rounds(&mut state, 8, &[113, 113, 113, 113, 113]);
        assert_eq!(said, [conservative; 5]);
        assert_eq!(state.on_ack(&Ack { una: 130, next: 140, ..testing::ack(1) }), Growth::Exit);
    }

    #[test]
    fn slow_start_resumes_if_the_delay_falls_again() {
        let mut state = HyStart::new();
        let said = rounds(&mut state, 0, &[20, 30, 30, 29, 29]);
        let (standard, conservative) = (Growth::Standard, Growth::Conservative);
        assert_eq!(said, [standard, conservative, conservative, standard, standard]);
    }

    // holds: RFC9406 4.3 #1
    #[test]
    fn a_rise_below_four_milliseconds_is_noise() {
        let mut state = HyStart::new();
        assert_eq!(rounds(&mut state, 0, &[1, 4, 7, 10]), [Growth::Standard; 4]);
    }

    // holds: RFC9406 4.3 #1
    #[test]
    fn conservative_growth_is_a_quarter() {
        let mut window = Window::new(&testing::path());
        Growth::Conservative.slow_start(&mut window, &testing::ack(4));
        assert_eq!(window.cwnd, 11 * testing::MSS);
        Growth::Standard.slow_start(&mut window, &testing::ack(20));
        assert_eq!(window.cwnd, 19 * testing::MSS);
    }
}
