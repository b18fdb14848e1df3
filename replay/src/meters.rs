//! What is measured of the packets as they pass: burstiness and rate of each node, of each flow if asked, and of all.

use burstlab_units::{Bytes, Rate, Span};

use crate::ImportOptions;
use crate::activity::Direction;
use crate::burstiness::{Backlog, Window};
use crate::series::Series;

/// Over this long a node's highest rate is taken for its link's. Shorter than the bursts that fill a link; long against what a
/// token bucket or a receiving machine's batching lets through at once, which over 1 ms makes 500 Mbit/s look like 2 Gbit/s.
const PEAK_OVER: Span = Span::from_millis(5);

/// All meters of one stream.
#[derive(Debug, Clone)]
pub(crate) struct Gauge {
    pub sent: Bytes,
    pub windows: Vec<Window>,
    pub backlogs: Vec<Backlog>,
    pub curve: Vec<Window>,
    pub series: Series,
}

impl Gauge {
    fn new(options: &ImportOptions, curve: bool) -> Gauge {
        let grid = if curve { curve_taus() } else { Vec::new() };
        Gauge {
            sent: Bytes::ZERO,
            windows: options.taus.iter().map(|&tau| Window::exact(tau)).collect(),
            backlogs: options.rates.iter().map(|&rate| Backlog::new(rate)).collect(),
            curve: grid.into_iter().map(Window::bounded).collect(),
            series: Series::default(),
        }
    }

    #[inline]
    fn arrive(&mut self, time: u64, bytes: u64) {
        self.sent += Bytes::new(bytes);
        self.windows.iter_mut().for_each(|w| w.arrive(time, bytes));
        self.backlogs.iter_mut().for_each(|b| b.arrive(time, bytes));
        self.curve.iter_mut().for_each(|w| w.arrive(time, bytes));
        self.series.arrive(time, bytes);
    }
}

/// From 100 us to 10 s, three to a decade.
fn curve_taus() -> Vec<Span> {
    let decade = |d: u32| [100, 200, 500].map(|us| Span::from_micros(us * 10u64.pow(d)));
    (0..5).flat_map(decade).chain([Span::from_secs(10)]).collect()
}

/// The meters of a whole trace.
pub(crate) struct Meters {
    options: ImportOptions,
    pub nodes: Vec<Gauge>,
    peaks: Vec<Window>,
    pub flows: Vec<Gauge>,
    pub all: Gauge,
}

impl Meters {
    pub fn new(options: &ImportOptions) -> Meters {
        let all = Gauge::new(options, options.curve);
        Meters { options: options.clone(), nodes: Vec::new(), peaks: Vec::new(), flows: Vec::new(), all }
    }

    /// A node more.
    pub fn add_node(&mut self) {
        self.nodes.push(Gauge::new(&self.options, self.options.curve));
        self.peaks.push(Window::exact(PEAK_OVER));
    }

    /// `node` sends a packet with `bytes` of payload at `time` (ns since the first packet).
    #[inline]
    pub fn arrive(&mut self, node: usize, direction: Direction, time: u64, bytes: u64) {
        self.nodes[node].arrive(time, bytes);
        self.peaks[node].arrive(time, bytes);
        self.all.arrive(time, bytes);
        if self.options.flows {
            while self.flows.len() <= direction {
                self.flows.push(Gauge::new(&self.options, false));
            }
            self.flows[direction].arrive(time, bytes);
        }
    }

    /// The highest rate of each node over 5 ms.
    pub fn peaks(&self) -> Vec<Rate> {
        self.peaks.iter().map(|w| Rate::of(w.most(), PEAK_OVER)).collect()
    }

    /// Makes all series' bins equally wide.
    pub fn align(&mut self) {
        let width = self.all.series.width();
        self.nodes.iter_mut().chain(&mut self.flows).for_each(|g| g.series.widen_to(width));
    }
}
