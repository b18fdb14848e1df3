//! Script numbers and live numbers: sequence numbers, and timestamps that a script lets the peer echo.
//!
//! As in packetdrill: numbers of segments with SYN are absolute, all others count from the first SYN. The script chooses
//! the peer's first number and the stack its own, which the first expected SYN is held against. Everything wraps at 32
//! bits.

use std::collections::BTreeMap;

/// How a connection's numbers translate.
#[derive(Debug, Clone, Default)]
pub struct Translation {
    /// The stack's first number, and
    live_local: u32,
    /// what the script calls it.
    script_local: u32,
    /// The peer's first number: the same on both sides.
    remote: u32,
    /// The stack's timestamps by what the script calls them.
    stamps: BTreeMap<u32, u32>,
    /// The first pair of them, script's and live.
    first_stamp: Option<(u32, u32)>,
}

impl Translation {
    /// For a connection whose first number on the wire is `live_local`.
    pub fn new(live_local: u32) -> Translation {
        Translation { live_local, ..Translation::default() }
    }

    /// The script injects a SYN.
    pub fn learn_remote(&mut self, sequence: u32) {
        self.remote = sequence;
    }

    /// The script expects a SYN.
    pub fn learn_local(&mut self, sequence: u32) {
        self.script_local = sequence;
    }

    /// The script expects a segment with timestamp `script` where the stack has `live`.
    pub fn learn_stamp(&mut self, script: u32, live: u32) {
        self.stamps.insert(script, live);
        self.first_stamp = self.first_stamp.or(Some((script, live)));
    }

    /// The live number of the stack's first byte.
    pub fn first_byte(&self) -> u32 {
        self.live_local.wrapping_add(1)
    }

    fn local(&self, syn: bool) -> u32 {
        if syn { self.live_local.wrapping_sub(self.script_local) } else { self.live_local }
    }

    fn peer(&self, syn: bool) -> u32 {
        if syn { 0 } else { self.remote }
    }

    /// A sequence number of the stack, or one that the peer acknowledges, to live.
    pub fn local_to_live(&self, number: u32, syn: bool) -> u32 {
        number.wrapping_add(self.local(syn))
    }

    /// The same to the script's.
    pub fn local_to_script(&self, number: u32, syn: bool) -> u32 {
        number.wrapping_sub(self.local(syn))
    }

    /// A sequence number of the peer, or one that the stack acknowledges, to live.
    pub fn peer_to_live(&self, number: u32, syn: bool) -> u32 {
        number.wrapping_add(self.peer(syn))
    }

    /// The same to the script's.
    pub fn peer_to_script(&self, number: u32, syn: bool) -> u32 {
        number.wrapping_sub(self.peer(syn))
    }

    /// The stack's timestamp that the script calls `script`.
    pub fn stamp_to_live(&self, script: u32) -> Option<u32> {
        self.stamps.get(&script).copied()
    }

    /// A timestamp by its distance from the first. `tick`: of the script's clock, in the stack's ticks.
    pub fn stamp_by_distance(&self, script: u32, tick: f64) -> Option<u32> {
        let (from, live) = self.first_stamp?;
        let distance = f64::from(script.wrapping_sub(from) as i32) * tick;
        Some(live.wrapping_add(distance as i64 as u32))
    }

    /// The stack's timestamp in the script's ticks, counted from the first.
    pub fn stamp_to_script(&self, live: u32, tick: f64) -> u32 {
        let (first, live_first) = self.first_stamp.unwrap_or((live, live));
        let distance = f64::from(live.wrapping_sub(live_first) as i32) / tick;
        first.wrapping_add(distance as i64 as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_behind_the_syn_count_from_it_and_wrap() {
        let mut translation = Translation::new(u32::MAX - 1);
        translation.learn_local(100);
        translation.learn_remote(u32::MAX);
        assert_eq!(translation.local_to_script(u32::MAX - 1, true), 100);
        assert_eq!(translation.local_to_script(3, false), 5);
        assert_eq!(translation.local_to_live(5, false), 3);
        assert_eq!(translation.peer_to_live(1, false), 0);
        assert_eq!(translation.peer_to_script(0, false), 1);
        assert_eq!(translation.peer_to_live(7, true), 7);
    }

    #[test]
    fn a_timestamp_is_echoed_by_the_name_that_the_script_gave_it() {
        let mut translation = Translation::new(0);
        assert_eq!(translation.stamp_to_live(100), None);
        translation.learn_stamp(100, 5_000);
        translation.learn_stamp(200, 5_700);
        assert_eq!(translation.stamp_to_live(200), Some(5_700));
        assert_eq!(translation.stamp_by_distance(300, 1000.0), Some(205_000));
        assert_eq!(translation.stamp_to_script(8_000, 1000.0), 103);
    }
}
