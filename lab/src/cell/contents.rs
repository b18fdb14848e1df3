//! What the applications of a run in real time have read.

use burstlab_network::{Direction, FlowId};

/// The SHA-256 of what each side of each connection has read; nothing in virtual time, where payload is a length.
#[derive(Debug, Default)]
pub(super) struct Contents(Vec<[u8; 32]>);

impl Contents {
    /// The next side's: of each connection the one that opened it, then the other.
    #[cfg(target_os = "linux")]
    pub fn push(&mut self, sha256: [u8; 32]) {
        self.0.push(sha256);
    }

    /// Of what was sent in `direction` of `flow`, in hex; empty if nothing is known.
    pub fn of(&self, flow: FlowId, direction: Direction) -> String {
        let reader = flow.0 as usize * 2 + direction.reversed() as usize;
        self.0.get(reader).map_or_else(String::new, |hash| hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_went_forward_was_read_by_the_side_that_was_opened_to() {
        let mut contents = Contents::default();
        [[0xab; 32], [0xcd; 32]].into_iter().for_each(|hash| contents.push(hash));
        assert_eq!(contents.of(FlowId(0), Direction::Forward), "cd".repeat(32));
        assert_eq!(contents.of(FlowId(0), Direction::Backward), "ab".repeat(32));
        assert_eq!(contents.of(FlowId(1), Direction::Forward), "");
    }
}
