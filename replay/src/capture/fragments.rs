//! IP fragments: only the first carries the TCP header, so the later ones are told by the packet's number.

use std::collections::VecDeque;

use super::segment::{Piece, Segment};

/// Packets of which fragments may still come.
const REMEMBERED: usize = 64;

/// The packets of which a first fragment was seen lately.
#[derive(Default)]
pub(crate) struct Fragments {
    begun: VecDeque<(Piece, Segment)>,
}

impl Fragments {
    /// Takes note of a first fragment.
    pub fn first(&mut self, segment: Segment, piece: Piece) -> Segment {
        if self.begun.len() == REMEMBERED {
            self.begun.pop_front();
        }
        self.begun.push_back((piece, segment));
        segment
    }

    /// A later fragment as a segment of its own, or nothing if its first one was not seen.
    pub fn later(&self, piece: Piece) -> Option<Segment> {
        let same = |other: &Piece| {
            (other.source, other.destination, other.identification)
                == (piece.source, piece.destination, piece.identification)
        };
        let (begin, segment) = self.begun.iter().rev().find(|(begin, _)| same(begin))?;
        // The first piece is the TCP header and payload; offsets count both.
        let header = begin.length - segment.payload;
        let sequence = segment.sequence.wrapping_add(piece.offset.checked_sub(header)?);
        let identity = segment.identity ^ u64::from(piece.offset).rotate_left(32);
        Some(Segment { sequence, payload: piece.length, syn: false, identity, ..*segment })
    }
}
