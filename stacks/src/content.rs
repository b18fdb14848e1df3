//! What the applications' streams contain, so that a receiver can check every byte it reads.
//!
//! A stream's byte is a function of the stream's key and the byte's offset. Neither side has to keep what was sent: the
//! sender makes a segment's payload when it sends it, the receiver makes it again and compares.

use sha2::{Digest, Sha256};

/// Bytes of one word of a stream.
const WORD: usize = 8;
/// How much is made at a time for comparison: it stays in the first-level cache.
const CHUNK: usize = 4096;

/// The `index`th word of stream `key`: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
/// OOPSLA 2014, figure 16, with the constants of its `mix64variant13`), which reaches any index in one step.
fn word(key: u64, index: u64) -> u64 {
    const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut z = key.wrapping_add(index.wrapping_add(1).wrapping_mul(GOLDEN_GAMMA));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Writes the bytes of stream `key` from `offset` on into the whole of `out`.
pub fn fill(key: u64, offset: u64, out: &mut [u8]) {
    let skipped = (offset % WORD as u64) as usize;
    let mut index = offset / WORD as u64;
    let mut out = out;
    if skipped > 0 {
        let taken = out.len().min(WORD - skipped);
        let (head, rest) = out.split_at_mut(taken);
        head.copy_from_slice(&word(key, index).to_le_bytes()[skipped..skipped + taken]);
        index += 1;
        out = rest;
    }
    let mut words = out.chunks_exact_mut(WORD);
    for place in &mut words {
        place.copy_from_slice(&word(key, index).to_le_bytes());
        index = index.wrapping_add(1);
    }
    let tail = words.into_remainder();
    tail.copy_from_slice(&word(key, index).to_le_bytes()[..tail.len()]);
}

/// The SHA-256 of the first `bytes` bytes of stream `key`.
pub fn sha256(key: u64, bytes: u64) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut chunk = [0; CHUNK];
    let mut offset = 0;
    while offset < bytes {
        let length = (bytes - offset).min(CHUNK as u64) as usize;
        fill(key, offset, &mut chunk[..length]);
        hasher.update(&chunk[..length]);
        offset += length as u64;
    }
    hasher.finalize().into()
}

/// An application that reads a stream and holds each byte against what it should be.
#[derive(Debug, Clone)]
pub struct Reader {
    key: u64,
    position: u64,
    damaged: u64,
    garbage: u64,
    hasher: Sha256,
}

impl Reader {
    /// Reads stream `key` from its start.
    pub fn new(key: u64) -> Reader {
        Reader { key, position: 0, damaged: 0, garbage: 0, hasher: Sha256::new() }
    }

    /// The next bytes of the stream, in order.
    pub fn read(&mut self, bytes: &[u8]) {
        let mut expected = [0; CHUNK];
        for given in bytes.chunks(CHUNK) {
            let expected = &mut expected[..given.len()];
            fill(self.key, self.position, expected);
            if given != expected {
                self.damaged += given.iter().zip(&*expected).filter(|(a, b)| a != b).count() as u64;
            }
            self.position += given.len() as u64;
        }
        self.hasher.update(bytes);
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes of those that were not what the stream has there.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// A packet came that was no segment of the connection.
    pub fn count_garbage(&mut self) {
        self.garbage += 1;
    }

    /// Packets that were no segment of the connection.
    pub fn garbage(&self) -> u64 {
        self.garbage
    }

    /// The SHA-256 of what was read so far.
    pub fn sha256(&self) -> [u8; 32] {
        self.hasher.clone().finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_mixer_is_the_published_one() {
        // The first outputs of SplitMix64 from seed 1234567, as its authors' implementation gives them.
        assert_eq!(word(1_234_567, 0), 6_457_827_717_110_365_317);
        assert_eq!(word(1_234_567, 1), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_reader_notices_each_damaged_byte() {
        let mut bytes = vec![0; 10_000];
        fill(3, 0, &mut bytes);
        bytes[0] ^= 1;
        bytes[5_000] ^= 0x80;
        bytes[9_999] ^= 7;
        let mut reader = Reader::new(3);
        reader.read(&bytes);
        assert_eq!((reader.position(), reader.damaged()), (10_000, 3));
        assert_ne!(reader.sha256(), sha256(3, 10_000));
    }

    #[test]
    fn an_empty_stream_hashes_as_nothing() {
        assert_eq!(Reader::new(1).sha256(), sha256(2, 0));
    }

    proptest! {
        #[test]
        fn any_piece_of_a_stream_is_the_same_as_of_the_whole(key: u64, start in 0usize..200, length in 0usize..200) {
            let mut whole = [0; 400];
            fill(key, 0, &mut whole);
            let mut piece = vec![0; length];
            fill(key, start as u64, &mut piece);
            prop_assert_eq!(&piece, &whole[start..start + length]);
        }

        #[test]
        fn a_stream_read_in_pieces_is_whole(key: u64, pieces in proptest::collection::vec(0usize..9000, 0..8)) {
            let mut reader = Reader::new(key);
            for length in pieces {
                let mut bytes = vec![0; length];
                fill(key, reader.position(), &mut bytes);
                reader.read(&bytes);
            }
            prop_assert_eq!(reader.damaged(), 0);
            prop_assert_eq!(reader.sha256(), sha256(key, reader.position()));
        }

        #[test]
        fn offsets_near_the_end_of_the_counter_do_not_panic(key: u64, back in 0u64..64) {
            fill(key, u64::MAX - back, &mut [0; 100]);
        }
    }
}
