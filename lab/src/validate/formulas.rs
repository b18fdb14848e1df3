//! Theory: what is expected, from the experiment's own parameters. Times in ns, rates in bit/s, queues and windows in
//! packets.

use std::collections::BTreeMap;

use super::unit::Dimension;
use crate::cell::Setting;

/// What formulas may ask for, by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Parameters(BTreeMap<&'static str, f64>);

/// A parameter that the entry does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it needs the {0}, which this experiment does not have")]
pub(crate) struct Missing(&'static str);

/// A named formula.
#[derive(Debug)]
pub(crate) struct Formula {
    /// How entries call it.
    pub name: &'static str,
    /// As the page writes it.
    pub text: &'static str,
    /// Paper or RFC, and section.
    pub source: &'static str,
    pub dimension: Dimension,
    of: fn(&Parameters) -> Result<f64, Missing>,
}

impl PartialEq for Formula {
    fn eq(&self, other: &Formula) -> bool {
        self.name == other.name
    }
}

/// Names of parameters, as errors say them.
pub(crate) const RATE: &str = "rate of the narrowest link";
pub(crate) const RTT: &str = "base round-trip time";
pub(crate) const MARK_AT: &str = "marking threshold of the queue";
pub(crate) const FLOWS: &str = "number of flows";
pub(crate) const LOSS: &str = "probability of loss";
pub(crate) const PAYLOAD: &str = "payload of a packet";
pub(crate) const PACKET: &str = "size of a packet";
pub(crate) const MIN_RTO: &str = "least retransmission timeout";
pub(crate) const LOAD: &str = "load of the queue";
pub(crate) const SERVICE: &str = "mean service time";

impl Parameters {
    /// Those of a queue.
    pub fn of(values: impl IntoIterator<Item = (&'static str, f64)>) -> Parameters {
        Parameters(values.into_iter().collect())
    }

    /// Those of an experiment.
    pub fn of_setting(setting: &Setting) -> Parameters {
        let mut parameters = Parameters::of([
            (RATE, setting.rate.bits_per_sec() as f64),
            (RTT, setting.rtt.as_nanos() as f64),
            (FLOWS, setting.flows as f64),
            (PAYLOAD, setting.payload.get() as f64),
            (PACKET, setting.packet.get() as f64),
            (MIN_RTO, setting.min_rto.as_nanos() as f64),
        ]);
        parameters.0.extend(setting.mark_at.map(|mark_at| (MARK_AT, mark_at)));
        parameters.0.extend((setting.loss > 0.0).then_some((LOSS, setting.loss)));
        parameters
    }

    /// The parameter called `name`.
    pub fn get(&self, name: &'static str) -> Result<f64, Missing> {
        self.0.get(name).copied().ok_or(Missing(name))
    }

    /// Packets that the path holds: C x RTT.
    fn in_flight(&self) -> Result<f64, Missing> {
        Ok(self.get(RATE)? * seconds(self.get(RTT)?) / (8.0 * self.get(PACKET)?))
    }

    /// Bit/s of payload, when `window` packets are under way for each of `rtt` ns.
    fn goodput(&self, window: f64, rtt: f64) -> Result<f64, Missing> {
        Ok(window * self.get(PAYLOAD)? * 8.0 / seconds(rtt))
    }
}

fn seconds(ns: f64) -> f64 {
    ns / 1e9
}

impl Formula {
    /// The formula called `name`; or a sentence that lists those that there are.
    pub fn named(name: &str) -> Result<&'static Formula, String> {
        FORMULAS.iter().find(|formula| formula.name == name).ok_or_else(|| {
            let names: Vec<_> = FORMULAS.iter().map(|formula| formula.name).collect();
            format!("unknown formula \"{name}\"; expected a number or one of: {}", names.join(", "))
        })
    }

    /// Its value, in the results' unit.
    pub fn value(&self, parameters: &Parameters) -> Result<f64, Missing> {
        (self.of)(parameters)
    }
}

const DCTCP: &str = "Alizadeh et al., Data center TCP, SIGCOMM 2010, section 3.3";
const MATHIS: &str =
    "Mathis, Semke, Mahdavi, Ott: The macroscopic behavior of the TCP congestion avoidance algorithm, CCR 1997";
const KLEINROCK: &str = "Kleinrock, Queueing systems, volume 1, 1975";

/// All formulas.
pub(crate) const FORMULAS: &[Formula] = &[
    Formula {
        name: "dctcp_threshold",
        text: "K > C x RTT / 7",
        source: DCTCP,
        dimension: Dimension::Plain,
        of: |p| Ok(p.in_flight()? / 7.0),
    },
    Formula {
        name: "dctcp_queue_max",
        text: "K + N",
        source: DCTCP,
        dimension: Dimension::Plain,
        of: |p| Ok(p.get(MARK_AT)? + p.get(FLOWS)?),
    },
    Formula {
        name: "dctcp_queue_min",
        text: "K + N - 1/2 sqrt(2 N (C x RTT + K))",
        source: DCTCP,
        dimension: Dimension::Plain,
        of: |p| Ok(p.get(MARK_AT)? + p.get(FLOWS)? - dctcp_amplitude(p)?),
    },
    Formula {
        name: "dctcp_amplitude",
        text: "1/2 sqrt(2 N (C x RTT + K))",
        source: DCTCP,
        dimension: Dimension::Plain,
        of: dctcp_amplitude,
    },
    Formula {
        name: "dctcp_period",
        text: "1/2 sqrt(2 (C x RTT + K) / N) round trips, each as long as the path and a queue of K",
        source: DCTCP,
        dimension: Dimension::Time,
        of: dctcp_period,
    },
    Formula {
        name: "dctcp_alpha",
        text: "sqrt(2 / W), W = (C x RTT + K) / N",
        source: DCTCP,
        dimension: Dimension::Plain,
        of: |p| Ok(libm::sqrt(2.0 * p.get(FLOWS)? / (p.in_flight()? + p.get(MARK_AT)?))),
    },
    Formula {
        name: "mathis",
        text: "1.22 MSS / (RTT sqrt(p))",
        source: MATHIS,
        dimension: Dimension::Rate,
        of: |p| p.goodput(1.22 / libm::sqrt(p.get(LOSS)?), p.get(RTT)?),
    },
    Formula {
        name: "aimd_random",
        text: "1.3098 MSS / (RTT sqrt(p))",
        source: "Ott, Kemperman, Mathis: The stationary behavior of ideal TCP congestion avoidance, 1996",
        dimension: Dimension::Rate,
        of: |p| p.goodput(1.3098 / libm::sqrt(p.get(LOSS)?), p.get(RTT)?),
    },
    Formula {
        name: "pftk",
        text: "MSS / (RTT sqrt(2 p / 3) + RTO min(1, 3 sqrt(3 p / 8)) p (1 + 32 p^2))",
        source: "Padhye, Firoiu, Towsley, Kurose: Modeling TCP throughput, SIGCOMM 1998, equation 30, with an ACK for each packet",
        dimension: Dimension::Rate,
        of: pftk,
    },
    Formula {
        name: "cubic_response",
        text: "1.054 MSS RTT^0.75 / (RTT p^0.75), RTT in seconds",
        source: "RFC 9438, section 5.1, equation 6, with C = 0.4 and a factor of 0.7",
        dimension: Dimension::Rate,
        of: |p| cubic(1.054, p),
    },
    Formula {
        name: "cubic_random",
        text: "1.190 MSS RTT^0.75 / (RTT p^0.75), RTT in seconds",
        source: "RFC 9438's window and fast convergence under independent losses, solved numerically (a test of the \
                 formula's does it)",
        dimension: Dimension::Rate,
        of: |p| cubic(1.190, p),
    },
    Formula {
        name: "mm1_wait",
        text: "rho s / (1 - rho)",
        source: KLEINROCK,
        dimension: Dimension::Time,
        of: |p| Ok(p.get(LOAD)? * p.get(SERVICE)? / (1.0 - p.get(LOAD)?)),
    },
    Formula {
        name: "mm1_wait_p99",
        text: "s ln(100 rho) / (1 - rho)",
        source: KLEINROCK,
        dimension: Dimension::Time,
        of: |p| Ok((p.get(SERVICE)? * libm::log(100.0 * p.get(LOAD)?) / (1.0 - p.get(LOAD)?)).max(0.0)),
    },
    Formula {
        name: "idle",
        text: "1 - rho",
        source: KLEINROCK,
        dimension: Dimension::Plain,
        of: |p| Ok(1.0 - p.get(LOAD)?),
    },
    Formula {
        name: "md1_wait",
        text: "rho s / (2 (1 - rho))",
        source: KLEINROCK,
        dimension: Dimension::Time,
        of: |p| Ok(p.get(LOAD)? * p.get(SERVICE)? / (2.0 * (1.0 - p.get(LOAD)?))),
    },
];

fn dctcp_amplitude(p: &Parameters) -> Result<f64, Missing> {
    Ok(0.5 * libm::sqrt(2.0 * p.get(FLOWS)? * (p.in_flight()? + p.get(MARK_AT)?)))
}

/// The paper counts in round trips; at the top of the sawtooth one of them is the path and a queue of K.
fn dctcp_period(p: &Parameters) -> Result<f64, Missing> {
    let (in_flight, mark_at) = (p.in_flight()?, p.get(MARK_AT)?);
    let round_trips = 0.5 * libm::sqrt(2.0 * (in_flight + mark_at) / p.get(FLOWS)?);
    Ok(round_trips * p.get(RTT)? * (in_flight + mark_at) / in_flight)
}

fn pftk(p: &Parameters) -> Result<f64, Missing> {
    let (loss, rtt) = (p.get(LOSS)?, p.get(RTT)?);
    // RFC 6298, rule 2.3: with a steady round trip the timeout is that, or the floor.
    let timeout = p.get(MIN_RTO)?.max(rtt);
    let waiting = timeout * (3.0 * libm::sqrt(3.0 * loss / 8.0)).min(1.0) * loss * (1.0 + 32.0 * loss * loss);
    p.goodput(1.0, rtt * libm::sqrt(2.0 * loss / 3.0) + waiting)
}

fn cubic(constant: f64, p: &Parameters) -> Result<f64, Missing> {
    let rtt = p.get(RTT)?;
    p.goodput(constant * libm::pow(seconds(rtt) / p.get(LOSS)?, 0.75), rtt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str, parameters: &Parameters) -> f64 {
        Formula::named(name).unwrap().value(parameters).unwrap()
    }

    fn near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-3, "{found} instead of {expected}");
    }

    /// 10 Gbit/s, 1.2 ms: 1000 packets of 1500 bytes under way.
    fn dctcp() -> Parameters {
        Parameters::of([(RATE, 1e10), (RTT, 1.2e6), (PACKET, 1500.0), (MARK_AT, 250.0), (FLOWS, 2.0)])
    }

    #[test]
    fn dctcps_sawtooth_at_a_thousand_packets() {
        let p = dctcp();
        near(value("dctcp_threshold", &p), 1000.0 / 7.0);
        near(value("dctcp_queue_max", &p), 252.0);
        near(value("dctcp_amplitude", &p), 0.5 * 5000f64.sqrt());
        near(value("dctcp_queue_min", &p), 252.0 - 35.355);
        near(value("dctcp_alpha", &p), (2.0f64 / 625.0).sqrt());
        near(value("dctcp_period", &p), 17.678 * 1.5e6);
    }

    /// An MSS of 1250 bytes, 10^4 bits: a window of w over 100 ms is w x 10^5 bit/s.
    fn lossy(loss: f64) -> Parameters {
        Parameters::of([(RTT, 1e8), (PAYLOAD, 1250.0), (LOSS, loss), (MIN_RTO, 1e9)])
    }

    #[test]
    fn response_functions_at_known_points() {
        near(value("mathis", &lossy(1e-4)), 122.0 * 1e5);
        near(value("aimd_random", &lossy(1e-4)), 130.98 * 1e5);
        // RFC 9438, table 2: at a loss of 10^-4 and 100 ms 187 packets, at 10^-6 5,900.
        near(value("cubic_response", &lossy(1e-4)), 187.43 * 1e5);
        assert!((value("cubic_response", &lossy(1e-6)) / 1e5 - 5_900.0).abs() < 50.0);
        // Without timeouts PFTK is sqrt(3/2) / sqrt(p); at 1 % a timeout of 1 s takes 18 % of its time and more.
        near(value("pftk", &lossy(1e-8)), 12_247.0 * 1e5);
        let bare = 12.247 * 1e5;
        near(value("pftk", &lossy(1e-2)), bare / (1.0 + 10.0 * 0.18371 * 0.01 * 1.0032 / 0.081650));
    }

    /// CUBIC without packets, round trips and a Reno-friendly region: time in units in which RTT / p is 1, a loss after so
    /// many packets as an exponential variable says (RFC 9438, sections 4.2 and 4.7: C = 0.4, a factor of 0.7).
    fn ideal_cubic(losses: u32) -> f64 {
        let mut chance = burstlab_units::chance::stream(1, "losses");
        let (mut window, mut last, mut sent, mut took) = (1.0f64, 1.0f64, 0.0, 0.0);
        for _ in 0..losses {
            let peak = if window < last { window * 0.85 } else { window };
            last = window;
            let k = ((peak - 0.7 * window).max(0.0) / 0.4).cbrt();
            let packets: f64 = -(1.0 - rand::RngExt::random::<f64>(&mut chance)).ln();
            let by = |t: f64| 0.1 * ((t - k).powi(4) - k.powi(4)) + peak * t;
            let (mut low, mut high) = (0.0, 64.0);
            for _ in 0..50 {
                let middle = (low + high) / 2.0;
                if by(middle) < packets { low = middle } else { high = middle }
            }
            window = 0.4 * (low - k).powi(3) + peak;
            (sent, took) = (sent + packets, took + low);
        }
        sent / took
    }

    #[test]
    fn the_constant_for_independent_losses_is_that_of_an_ideal_cubic() {
        let constant = ideal_cubic(200_000);
        assert!((constant / 1.190 - 1.0).abs() < 0.01, "{constant}");
    }

    #[test]
    fn queues_at_known_points() {
        let p = |load| Parameters::of([(LOAD, load), (SERVICE, 1000.0)]);
        near(value("mm1_wait", &p(0.5)), 1000.0);
        near(value("mm1_wait", &p(0.9)), 9000.0);
        near(value("md1_wait", &p(0.9)), 4500.0);
        near(value("mm1_wait_p99", &p(0.5)), 2000.0 * 50f64.ln());
        near(value("idle", &p(0.9)), 0.1);
        assert_eq!(value("mm1_wait_p99", &p(0.005)), 0.0);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Formula::named("mathis").unwrap().value(&dctcp()).unwrap_err();
        assert_eq!(error.to_string(), "it needs the probability of loss, which this experiment does not have");
        assert!(
            Formula::named("math")
                .unwrap_err()
                .contains("unknown formula \"math\"; expected a number or one of: dctcp")
        );
    }
}
