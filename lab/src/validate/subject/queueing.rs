//! Servers of the network crate without TCP, held against exact results.

use std::path::{Path, PathBuf};

use burstlab_network::Limit;
use burstlab_replay::Backlog;
use burstlab_units::{Bytes, Rate, Span, Time, chance};
use rand::RngExt as _;

use super::recording::packets_of;
use super::stations::{HEADERS, Offered, Passed, Stations};
use super::{Figure, Figures};
use crate::experiment::ExperimentError;
use crate::experiment::reader::{Section, choose};
use crate::runner::{RunError, Stop};
use crate::validate::formulas::{LOAD, Parameters, SERVICE};
use crate::validate::statistics::batch_means;
use crate::validate::unit::Dimension;

/// A run of the servers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Queueing {
    arrivals: Arrivals,
    /// Of the first server.
    rate: Rate,
    second: Second,
    limit: Limit,
    seed: u64,
}

#[derive(Debug, Clone, PartialEq)]
enum Arrivals {
    Poisson { load: f64, packets: u32, size: Size },
    Recording(PathBuf),
}

/// Sizes of packets, whose service times are proportional to them.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Size {
    Fixed(Bytes),
    /// With this mean.
    Exponential(Bytes),
}

/// The server behind the first.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Second {
    None,
    /// Packets keep their size.
    Same(Rate),
    /// Packets have another size there, as Jackson's theorem has it.
    Redrawn(Rate),
}

pub(crate) const KEYS: &[&str] =
    &["arrivals", "load", "packets", "size", "mean_size", "trace", "rate", "second", "second_rate", "limit", "seed"];

/// Means of so many batches are nearly normal, and with two million packets each batch is many busy periods long.
const BATCHES: usize = 50;
/// The part of the packets at the start that finds the servers emptier than they will be.
const START: usize = 100;
/// More would not fit into a small machine's memory.
const MOST_PACKETS: u32 = 20_000_000;

/// What is measured, and what kind of quantity it is.
const FIGURES: &[(&str, Dimension)] = &[
    ("wait.mean", Dimension::Time),
    ("wait.p99", Dimension::Time),
    ("wait.max", Dimension::Time),
    ("wait.none", Dimension::Plain),
    ("second.wait.mean", Dimension::Time),
    ("second.wait.max", Dimension::Time),
    ("gaps.cv2", Dimension::Plain),
    ("packets", Dimension::Plain),
    ("dropped", Dimension::Plain),
    ("lindley.differing", Dimension::Plain),
    ("backlog.max", Dimension::Plain),
    ("backlog.difference", Dimension::Plain),
];

/// The kind of quantity of the figure `name`; or a sentence that lists those that there are.
pub(crate) fn dimension(name: &str) -> Result<Dimension, String> {
    let found = FIGURES.iter().find(|(known, _)| *known == name);
    found.map(|(_, dimension)| *dimension).ok_or_else(|| {
        let names: Vec<_> = FIGURES.iter().map(|(name, _)| *name).collect();
        format!("there is no figure \"{name}\" of servers; expected one of: {}", names.join(", "))
    })
}

impl Queueing {
    /// Reads `[queueing]`, all lists resolved.
    pub fn read(section: &Section<'_>, file: &Path) -> Result<Queueing, ExperimentError> {
        let rate = section.require("rate", "rate = \"1Gbit/s\"")?;
        let second = match section.get_or("second", "none".to_owned())?.as_str() {
            "none" => Second::None,
            word => {
                let same = choose(word, "second server", &[("same", true), ("redrawn", false)]);
                let same = same.map_err(|error| section.error("second", error))?;
                let rate = section.get_or("second_rate", rate)?;
                if same { Second::Same(rate) } else { Second::Redrawn(rate) }
            }
        };
        Ok(Queueing {
            arrivals: Arrivals::read(section, file)?,
            rate,
            second,
            limit: section.get_or("limit", Limit::NONE)?,
            seed: section.get_or("seed", 1)?,
        })
    }

    /// What formulas may ask for.
    pub fn parameters(&self) -> Parameters {
        let Arrivals::Poisson { load, size, .. } = &self.arrivals else { return Parameters::default() };
        let service = self.rate.transmission_time(size.mean()).as_nanos() as f64;
        Parameters::of([(LOAD, *load), (SERVICE, service)])
    }

    /// Runs and measures it.
    ///
    /// # Errors
    /// If the recording cannot be read, or [`Stop::stop`] was called.
    pub fn run(&self, stop: &Stop) -> Result<Figures, RunError> {
        let packets = match &self.arrivals {
            Arrivals::Poisson { load, packets, size } => self.poisson(*load, *packets, *size),
            Arrivals::Recording(path) => recorded(path, stop)?,
        };
        let along = match self.second {
            Second::Same(rate) => Some(rate),
            Second::None | Second::Redrawn(_) => None,
        };
        let passed = Stations { first: self.rate, second: along, limit: self.limit }.serve(&packets);
        if stop.is_asked() {
            return Err(RunError::Stopped);
        }
        let mut figures = self.figures(&packets, &passed);
        match self.second {
            Second::None => {}
            Second::Same(_) => add_second(&mut figures, passed.iter().map(|passed| passed.waited[1])),
            Second::Redrawn(rate) => {
                let again = self.redrawn(&packets, &passed);
                let second = Stations { first: rate, second: None, limit: self.limit }.serve(&again);
                add_second(&mut figures, second.iter().map(|passed| passed.waited[0]));
            }
        }
        Ok(figures)
    }

    fn poisson(&self, load: f64, count: u32, size: Size) -> Vec<Offered> {
        // Of each load its own, or all loads would be off in the same direction.
        let mut gaps = chance::stream(self.seed, &format!("gaps between packets at a load of {load}"));
        let mut sizes = chance::stream(self.seed, &format!("sizes of packets at a load of {load}"));
        let mean_gap = self.rate.transmission_time(size.mean()).as_nanos() as f64 / load;
        let mut now = 0.0;
        let mut packet = |_| {
            now += exponential(&mut gaps, mean_gap);
            Offered { at: Time::from_nanos(now as u64), size: size.draw(&mut sizes) }
        };
        (0..count).map(&mut packet).collect()
    }

    /// What leaves the first server, with other sizes.
    fn redrawn(&self, packets: &[Offered], passed: &[Passed]) -> Vec<Offered> {
        let mut sizes = chance::stream(self.seed, "sizes of packets at the second server");
        let left = packets.iter().zip(passed).filter_map(|(packet, passed)| Some((packet, passed.left?)));
        let again = |(packet, at): (&Offered, Time)| {
            let size = match &self.arrivals {
                Arrivals::Poisson { size, .. } => size.draw(&mut sizes),
                Arrivals::Recording(_) => packet.size,
            };
            Offered { at, size }
        };
        left.map(again).collect()
    }

    fn figures(&self, packets: &[Offered], passed: &[Passed]) -> Figures {
        let waits: Vec<f64> = passed.iter().map(|passed| passed.waited[0].as_nanos() as f64).collect();
        let measured = settled(&waits);
        let mut sorted = measured.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let none: Vec<f64> = measured.iter().map(|wait| f64::from(u8::from(*wait == 0.0))).collect();
        let p99 = sorted.get((sorted.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0.0);
        let dropped = passed.iter().filter(|passed| passed.left.is_none()).count();
        let (most, bound) = self.backlogs(packets, passed);
        Figures::from([
            ("wait.mean".to_owned(), mean(measured)),
            ("wait.p99".to_owned(), Figure::exact(p99)),
            ("wait.max".to_owned(), Figure::exact(sorted.last().copied().unwrap_or(0.0))),
            ("wait.none".to_owned(), mean(&none)),
            ("gaps.cv2".to_owned(), variation(passed)),
            ("packets".to_owned(), Figure::exact(packets.len() as f64)),
            ("dropped".to_owned(), Figure::exact(dropped as f64)),
            ("lindley.differing".to_owned(), Figure::exact(self.differing(packets, passed) as f64)),
            ("backlog.max".to_owned(), Figure::exact(most)),
            ("backlog.difference".to_owned(), Figure::exact(most - bound)),
        ])
    }

    /// How many packets waited another time, or left at another instant, than Lindley's recursion has it: a packet waits
    /// for as long as the one before waited and was served, less the time between them (Proc. Cambridge Phil. Soc. 48,
    /// 1952).
    fn differing(&self, packets: &[Offered], passed: &[Passed]) -> usize {
        let (mut before, mut differing) = (None, 0);
        for (packet, passed) in packets.iter().zip(passed) {
            let service = i128::from(self.rate.transmission_time(packet.size).as_nanos());
            let (Some(arrived), Some(left)) = (passed.arrived[0], passed.left) else {
                differing += 1;
                continue;
            };
            let (arrived, left) = (i128::from(arrived.as_nanos()), i128::from(left.as_nanos()));
            let wait =
                before.map_or(0, |(at, wait, service): (i128, i128, i128)| (wait + service - (arrived - at)).max(0));
            // Behind a second server nothing leaves at the instant at which the first is done with it.
            let in_time = matches!(self.second, Second::Same(_)) || left == arrived + wait + service;
            if i128::from(passed.waited[0].as_nanos()) != wait || !in_time {
                differing += 1;
            }
            before = Some((arrived, wait, service));
        }
        differing
    }

    /// The most bytes that were at the server, a packet in service in proportion; and the most that network calculus says
    /// of the same arrivals: max over tau of E(tau) - r tau (Cruz, IEEE Trans. Inf. Theory 37, 1991).
    fn backlogs(&self, packets: &[Offered], passed: &[Passed]) -> (f64, f64) {
        let (mut bound, mut most) = (Backlog::new(self.rate), Bytes::ZERO);
        for (packet, passed) in packets.iter().zip(passed) {
            let Some(arrived) = passed.arrived[0] else { continue };
            bound.arrive(arrived.as_nanos(), packet.size.get());
            if passed.left.is_some() {
                most = most.max(self.rate.bytes_in(passed.waited[0]) + packet.size);
            }
        }
        (most.get() as f64, bound.most().get() as f64)
    }
}

impl Arrivals {
    fn read(section: &Section<'_>, file: &Path) -> Result<Arrivals, ExperimentError> {
        let kind: String = section.require("arrivals", "arrivals = \"poisson\" or \"recording\"")?;
        let poisson = choose(&kind, "kind of arrivals", &[("poisson", true), ("recording", false)]);
        if !poisson.map_err(|error| section.error("arrivals", error))? {
            let trace: String = section.require("trace", "trace = \"../../traces/resnet50-ddp-4w.pcap.zst\"")?;
            return Ok(Arrivals::Recording(file.parent().unwrap_or(Path::new("")).join(trace)));
        }
        let load: f64 = section.require("load", "load = 0.5")?;
        if !(load > 0.0 && load < 1.0) {
            let message = format!("{load} has no steady state; expected a load above 0 and below 1");
            return Err(section.error("load", message));
        }
        let mean: Bytes = section.require("mean_size", "mean_size = \"1250B\"")?;
        if !(HEADERS..=u64::from(u32::MAX)).contains(&mean.get()) {
            return Err(section.error("mean_size", format!("{mean} is no size of a packet; expected 40 B to 4 GB")));
        }
        let size: String = section.require("size", "size = \"fixed\" or \"exponential\"")?;
        let fixed = choose(&size, "kind of size", &[("fixed", true), ("exponential", false)]);
        let fixed = fixed.map_err(|error| section.error("size", error))?;
        let size = if fixed { Size::Fixed(mean) } else { Size::Exponential(mean) };
        let packets = section.count_within("packets", 1000..=MOST_PACKETS, 1_000_000)?;
        Ok(Arrivals::Poisson { load, packets, size })
    }
}

impl Size {
    fn mean(self) -> Bytes {
        match self {
            Size::Fixed(size) | Size::Exponential(size) => size,
        }
    }

    /// A packet is never shorter than its headers, which a mean of many thousand bytes makes rare.
    fn draw(self, chance: &mut impl rand::Rng) -> Bytes {
        match self {
            Size::Fixed(size) => size,
            Size::Exponential(mean) => Bytes::new((exponential(chance, mean.get() as f64) as u64).max(HEADERS)),
        }
    }
}

fn exponential(chance: &mut impl rand::Rng, mean: f64) -> f64 {
    let uniform: f64 = chance.random();
    -libm::log1p(-uniform) * mean
}

/// The recording's packets as they were captured, in one queue.
fn recorded(path: &Path, stop: &Stop) -> Result<Vec<Offered>, RunError> {
    let packet = |(at, payload)| Offered { at: Time::from_nanos(at), size: Bytes::new(payload + HEADERS) };
    Ok(packets_of(path, stop)?.into_iter().map(packet).collect())
}

fn settled<T>(samples: &[T]) -> &[T] {
    &samples[samples.len() / START..]
}

fn mean(samples: &[f64]) -> Figure {
    let (value, precision) = batch_means(samples, BATCHES);
    Figure { value, precision }
}

fn add_second(figures: &mut Figures, waits: impl Iterator<Item = Span>) {
    let waits: Vec<f64> = waits.map(|wait| wait.as_nanos() as f64).collect();
    let most = waits.iter().copied().fold(0.0, f64::max);
    figures.insert("second.wait.mean".to_owned(), mean(settled(&waits)));
    figures.insert("second.wait.max".to_owned(), Figure::exact(most));
}

/// Squared coefficient of variation of the gaps between packets that leave: 1 for a Poisson stream.
fn variation(passed: &[Passed]) -> Figure {
    let left: Vec<f64> = passed.iter().filter_map(|p| p.left).map(|at| at.as_nanos() as f64).collect();
    let gaps: Vec<f64> = left.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let gaps = settled(&gaps);
    let mean_gap = gaps.iter().sum::<f64>() / gaps.len().max(1) as f64;
    let squares: Vec<f64> = gaps.iter().map(|gap| (gap / mean_gap - 1.0) * (gap / mean_gap - 1.0)).collect();
    mean(&squares)
}
