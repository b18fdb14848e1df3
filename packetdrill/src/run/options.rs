//! What can be set about running scripts.

use super::settings::IpVersion;
use super::timing::Tolerance;

/// Settings of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The controller, where a script asks for none: a spec of the registry. Its parameters hold as well where a script asks
    /// for it by name. Default: cubic, as in Linux; without HyStart++ (RFC 9406), of which Linux has a variant of its own, and
    /// without a limit to what one ACK brings in slow start, which Linux does not have.
    pub controller: String,
    /// Whether the order and padding of options and every PSH are compared as well.
    pub strict: bool,
    /// Whether a packet is an error as soon as the script goes on without having expected it: at the next packet that comes
    /// in, call or claim, or at the script's end. Else it is one at the next packet that is expected, as in packetdrill.
    pub in_order: bool,
    /// How far times may be off, unless the script says.
    pub tolerance: Tolerance,
    /// Microseconds of a tick of the script's timestamps (`--tcp_ts_tick_usecs`); zero: TSval is not compared.
    pub tick_micros: u32,
    /// Whether an echoed timestamp that was never sent is taken by its distance from the first (`--tcp_ts_ecr_scaled`).
    pub scaled_echoes: bool,
    /// The number of the SYN that the stack sends.
    pub initial_sequence: u32,
    /// IP's version, unless the script says.
    pub version: IpVersion,
    /// The interface's MTU in bytes, unless the script says. Default: 1500, and 1520 with IPv6, as Linux's runner has it,
    /// so that scripts see one MSS.
    pub mtu: Option<u32>,
    /// Symbols defined from outside (`-D`), for scripts that expect them.
    pub defines: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            controller: "cubic?hystart=false&ack_limit=1000000".to_owned(),
            strict: false,
            in_order: false,
            tolerance: Tolerance::default(),
            tick_micros: 0,
            scaled_echoes: false,
            initial_sequence: 2_000_000_000,
            version: IpVersion::V4,
            mtu: None,
            defines: Vec::new(),
        }
    }
}
