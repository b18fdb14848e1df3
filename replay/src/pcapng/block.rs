//! A block of a pcapng file under construction: type, length, fields, options, and the length again
//! (draft-ietf-opsawg-pcapng, section 3.1), all in words of 32 bits.

/// Section header block: section 4.1.
pub const SECTION_HEADER: u32 = 0x0a0d_0d0a;
/// Interface description block: section 4.2.
pub const INTERFACE_DESCRIPTION: u32 = 1;
/// Enhanced packet block: section 4.3.
pub const ENHANCED_PACKET: u32 = 6;

/// Tells readers the byte order: section 4.1.
pub const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// The format's version: section 4.1.
pub const VERSION: (u16, u16) = (1, 0);
/// A section of unknown length, since it is written as it comes: section 4.1.
pub const LENGTH_UNKNOWN: u64 = u64::MAX;

/// opt_comment, of any block: section 3.5.
pub const COMMENT: u16 = 1;
/// shb_userappl: section 4.1.
pub const SHB_USERAPPL: u16 = 4;
/// if_name: section 4.2.
pub const IF_NAME: u16 = 2;
/// if_description: section 4.2.
pub const IF_DESCRIPTION: u16 = 3;
/// if_speed, in bit/s: section 4.2.
pub const IF_SPEED: u16 = 8;
/// if_tsresol: section 4.2.
pub const IF_TSRESOL: u16 = 9;
/// The value of if_tsresol for ticks of 10^-9 s.
pub const NANOSECONDS: u8 = 9;

/// opt_endofopt: section 3.5.
const END_OF_OPTIONS: u16 = 0;
/// Type and length.
const HEAD: usize = 8;
/// Readers refuse longer blocks; ours does, and so does Wireshark.
const LONGEST: usize = 16 << 20;

/// The bytes of one block after another, in the same memory.
#[derive(Default)]
pub struct Block {
    bytes: Vec<u8>,
    has_options: bool,
}

impl Block {
    /// Begins a block, forgetting the one before.
    pub fn begin(&mut self, kind: u32) {
        self.bytes.clear();
        self.has_options = false;
        self.u32(kind);
        self.u32(0);
    }

    pub fn u16(&mut self, value: u16) {
        self.bytes.extend(value.to_le_bytes());
    }

    pub fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.bytes.extend(value.to_le_bytes());
    }

    /// Adds `bytes`, and zeros up to the next word.
    pub fn padded(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// Adds an option whose value is a text. Of what an option cannot hold, 65,535 bytes, the end is left out.
    pub fn text(&mut self, code: u16, text: &str) {
        let fitting = text.floor_char_boundary(usize::from(u16::MAX));
        self.option_of(code, fitting as u16, &text.as_bytes()[..fitting]);
    }

    /// Adds an option whose value is a number.
    pub fn option<const N: usize>(&mut self, code: u16, value: [u8; N]) {
        const { assert!(N <= 8) };
        self.option_of(code, N as u16, &value);
    }

    fn option_of(&mut self, code: u16, length: u16, value: &[u8]) {
        self.u16(code);
        self.u16(length);
        self.padded(value);
        self.has_options = true;
    }

    /// The whole block, unless it is longer than readers take.
    pub fn end(&mut self) -> Option<&[u8]> {
        if self.has_options {
            self.u16(END_OF_OPTIONS);
            self.u16(0);
        }
        let length = self.bytes.len() + 4;
        if length > LONGEST {
            return None;
        }
        self.u32(length as u32);
        self.bytes[4..HEAD].copy_from_slice(&(length as u32).to_le_bytes());
        Some(&self.bytes)
    }
}
