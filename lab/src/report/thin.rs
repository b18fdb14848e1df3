//! Fewer points for the same picture.
//!
//! A recorded series has far more points than a screen has columns, and most of them lie on the straight line between
//! their neighbours. Points are dropped where the picture changes least: again and again the one that differs least from
//! the line between the neighbours it has left (Visvalingam and Whyatt, 1993, with height in place of area, so that a
//! short burst counts as much as a long one). What remains lies where something happens, so zooming in still shows it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Number;

/// A difference that cannot be seen: a twentieth of a pixel in a picture of 200 pixels' height.
const INVISIBLE: f64 = 2.5e-4;

/// Values of several columns at common, rising times. A value that is not known is NaN.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    pub times: Vec<u64>,
    /// Each as long as `times`.
    pub columns: Vec<Vec<f64>>,
}

impl Series {
    /// A series of so many columns, without points.
    pub fn new(columns: usize) -> Series {
        Series { times: Vec::new(), columns: vec![Vec::new(); columns] }
    }

    /// Adds a point; one that is older than the last is left out, as no line can go back in time.
    pub fn push<const N: usize>(&mut self, time: u64, values: [f64; N]) {
        if self.times.last().is_none_or(|last| *last < time) {
            self.times.push(time);
            self.columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        }
    }

    /// The number of points.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// At most `limit` points (but always the first and the last), without those that cannot be seen to be missing.
    pub fn thinned(&self, limit: usize) -> Series {
        let kept = kept(self, limit);
        Series {
            times: kept.iter().map(|&point| self.times[point]).collect(),
            columns: self.columns.iter().map(|column| kept.iter().map(|&point| column[point]).collect()).collect(),
        }
    }
}

/// Thins each series so that all together have about `budget` points: those that need little keep what they need, the
/// others share the rest equally.
pub fn thin_together(series: Vec<Series>, budget: usize) -> Vec<Series> {
    let visible: Vec<Series> = series.iter().map(|series| series.thinned(usize::MAX)).collect();
    let needs: Vec<usize> = visible.iter().map(Series::len).collect();
    let limit = fair_limit(&needs, budget);
    visible.iter().map(|series| series.thinned(limit)).collect()
}

/// The largest limit under which the `needs`, each cut to it, sum to no more than `budget` (max-min fairness).
fn fair_limit(needs: &[usize], budget: usize) -> usize {
    let mut sorted = needs.to_vec();
    sorted.sort_unstable();
    let mut left = budget;
    for (served, need) in sorted.iter().enumerate() {
        let share = left / (sorted.len() - served);
        if *need > share {
            return share;
        }
        left -= need;
    }
    usize::MAX
}

/// The indices of the points that stay, rising.
fn kept(series: &Series, limit: usize) -> Vec<usize> {
    let points = series.len();
    let ranges: Vec<f64> = series.columns.iter().map(|column| range(column)).collect();
    let mut before: Vec<usize> = (0..points).map(|point| point.saturating_sub(1)).collect();
    let mut after: Vec<usize> = (1..=points).collect();
    let cost = |before: usize, point: usize, after: usize| deviation(series, &ranges, before, point, after);
    let is_inner = |point: usize| point > 0 && point + 1 < points;
    let first_cost = |point| if is_inner(point) { cost(point - 1, point, point + 1) } else { f64::INFINITY };
    let mut costs: Vec<f64> = (0..points).map(first_cost).collect();
    let inner = (0..points).filter(|&point| is_inner(point));
    let mut order: BinaryHeap<Reverse<(u64, usize)>> =
        inner.map(|point| Reverse((costs[point].to_bits(), point))).collect();
    let mut dropped = vec![false; points];
    let mut left = points;
    // The bits of floats that are not negative order as the floats do.
    while let Some(Reverse((bits, point))) = order.pop() {
        if dropped[point] || bits != costs[point].to_bits() {
            continue;
        }
        // Infinite is where values become known or stop being so: dropping it would invent or lose a stretch of line.
        if costs[point].is_infinite() || (left <= limit && costs[point] > INVISIBLE) {
            break;
        }
        dropped[point] = true;
        left -= 1;
        let (previous, next) = (before[point], after[point]);
        after[previous] = next;
        before[next] = previous;
        for neighbour in [previous, next] {
            if is_inner(neighbour) {
                // Never cheaper than what was dropped beside it, or a slope would be eaten step by step.
                costs[neighbour] = cost(before[neighbour], neighbour, after[neighbour]).max(costs[point]);
                order.push(Reverse((costs[neighbour].to_bits(), neighbour)));
            }
        }
    }
    (0..points).filter(|&point| !dropped[point]).collect()
}

fn range(column: &[f64]) -> f64 {
    let known = || column.iter().copied().filter(|value| !value.is_nan());
    known().fold(0.0, f64::max) - known().fold(0.0, f64::min)
}

/// How far a point lies from the line between two others, over its column's range; the largest of the columns'.
fn deviation(series: &Series, ranges: &[f64], before: usize, point: usize, after: usize) -> f64 {
    let (from, at, to) = (series.times[before], series.times[point], series.times[after]);
    let along = (at - from) as f64 / (to - from) as f64;
    let of_column = |(column, range): (&Vec<f64>, &f64)| {
        let values = [column[before], column[point], column[after]];
        match values.iter().filter(|value| value.is_nan()).count() {
            0 if *range > 0.0 => (values[1] - values[0] - (values[2] - values[0]) * along).abs() / range,
            0 | 3 => 0.0,
            _ => f64::INFINITY,
        }
    };
    series.columns.iter().zip(ranges).map(of_column).fold(0.0, f64::max)
}

/// `value` to four significant digits: more cannot be read from a picture, and they would triple the file.
pub fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let places = 3 - value.abs().log10().floor() as i32;
    if places > 0 {
        let scale = 10f64.powi(places);
        (value * scale).round() / scale
    } else {
        let scale = 10f64.powi(-places);
        (value / scale).round() * scale
    }
}

/// The shortest JSON number for `value`; NaN and infinity become null.
fn number(value: f64) -> Option<Number> {
    let value = rounded(value);
    let whole = value.fract() == 0.0 && value.abs() < 9e15;
    if whole { Some(Number::from(value as i64)) } else { Number::from_f64(value) }
}

/// Times are written as multiples of their greatest common divisor, each less the one before it: for a series sampled
/// at intervals these are one-digit numbers.
impl Serialize for Series {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let start = self.times.first().copied().unwrap_or(0);
        let steps: Vec<u64> = self.times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let tick = steps.iter().copied().fold(0, greatest_common_divisor).max(1);
        let columns: Vec<Vec<Option<Number>>> =
            self.columns.iter().map(|column| column.iter().map(|value| number(*value)).collect()).collect();
        let mut out = serializer.serialize_struct("Series", 4)?;
        out.serialize_field("start", &start)?;
        out.serialize_field("tick", &tick)?;
        out.serialize_field("steps", &steps.iter().map(|step| step / tick).collect::<Vec<_>>())?;
        out.serialize_field("columns", &columns)?;
        out.end()
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        Series { times: (0..values.len() as u64).map(|time| time * 100).collect(), columns: vec![values.to_vec()] }
    }

    #[test]
    fn points_on_a_straight_line_are_dropped() {
        let ramp: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(series(&ramp).thinned(usize::MAX).times, [0, 99_900]);
    }

    #[test]
    fn a_short_burst_in_a_long_silence_survives() {
        let mut values = vec![0.0; 10_000];
        values[5_000] = 80.0;
        let thinned = series(&values).thinned(10);
        assert_eq!(thinned.columns[0], [0.0, 0.0, 80.0, 0.0, 0.0]);
        assert_eq!(thinned.times[2], 500_000);
    }

    #[test]
    fn noise_is_cut_to_the_limit_and_keeps_its_peak() {
        let mut values: Vec<f64> = (0..5_000).map(|i| f64::from(i * 7919 % 101)).collect();
        values[1234] = 400.0;
        let thinned = series(&values).thinned(300);
        assert_eq!(thinned.len(), 300);
        assert!(thinned.columns[0].contains(&400.0));
    }

    #[test]
    fn where_values_become_known_stays_in_place() {
        let unknown_first = series(&[f64::NAN, f64::NAN, f64::NAN, 5.0, 5.0, 5.0]);
        assert_eq!(unknown_first.thinned(2).times, [0, 200, 300, 500]);
    }

    #[test]
    fn series_without_or_with_one_point_stay_as_they_are() {
        assert_eq!(series(&[]).thinned(10).len(), 0);
        assert_eq!(series(&[1.0]).thinned(0).len(), 1);
    }

    #[test]
    fn a_budget_is_shared_so_that_small_needs_are_met_first() {
        assert_eq!(fair_limit(&[10, 1000, 1000], 210), 100);
        assert_eq!(fair_limit(&[10, 20], 100), usize::MAX);
        assert_eq!(fair_limit(&[], 100), usize::MAX);
    }

    #[test]
    fn four_digits_are_kept() {
        assert_eq!(rounded(123_456.0), 123_500.0);
        assert_eq!(rounded(0.001_234_56), 0.001_235);
        assert_eq!(rounded(0.0), 0.0);
    }

    #[test]
    fn a_series_is_written_with_small_steps_and_whole_numbers() {
        let mut series = Series::new(2);
        series.push(1_000_000, [14_480.0, f64::NAN]);
        series.push(1_200_000, [0.5, 1.0]);
        series.push(1_200_000, [9.0, 9.0]);
        series.push(1_500_000, [3.0, 1.0]);
        let text = serde_json::to_string(&series).expect("a series is JSON");
        assert_eq!(text, r#"{"start":1000000,"tick":100000,"steps":[2,3],"columns":[[14480,0.5,3],[null,1,1]]}"#);
    }
}
