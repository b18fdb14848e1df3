//! The host's settings: Linux's defaults, and what scripts change of them by `sysctl` and `ip route`.

use burstlab_algorithms::Span;

/// IP's version, as far as it matters to TCP: the header's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IpVersion {
    /// IPv4: headers of 20 bytes (RFC 791).
    #[default]
    V4,
    /// IPv6: headers of 40 bytes (RFC 8200).
    V6,
}

impl IpVersion {
    /// Bytes of the IP header and the TCP header without options.
    pub fn headers(self) -> u32 {
        match self {
            IpVersion::V4 => 40,
            IpVersion::V6 => 60,
        }
    }
}

/// Three sizes in bytes as `tcp_rmem` and `tcp_wmem` hold them: least, at first, largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// The least that a socket keeps.
    pub least: u64,
    /// What it begins with.
    pub first: u64,
    /// What it may grow to.
    pub largest: u64,
}

/// Keepalive as RFC 9293, section 3.8.4 and Linux have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// Idleness before the first probe.
    pub idle: Span,
    /// Time between probes.
    pub interval: Span,
    /// Unanswered probes after which the connection is given up.
    pub probes: u32,
}

/// What the host that a script runs on is set to. Defaults are Linux's (Documentation/networking/ip-sysctl.rst).
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// IP's version.
    pub version: IpVersion,
    /// The interface's MTU in bytes.
    pub mtu: u32,
    /// `tcp_rmem`.
    pub receive_memory: Memory,
    /// `tcp_wmem`.
    pub send_memory: Memory,
    /// `net.core.rmem_max`: the most that `SO_RCVBUF` can ask for.
    pub receive_memory_limit: u64,
    /// `net.core.wmem_max`: the most that `SO_SNDBUF` can ask for.
    pub send_memory_limit: u64,
    /// `tcp_timestamps`.
    pub timestamps: bool,
    /// `tcp_sack`.
    pub sack: bool,
    /// `tcp_window_scaling`.
    pub window_scaling: bool,
    /// `tcp_ecn`: 0 off, 1 on, 2 only if asked, 3 to 5 the same with accurate feedback.
    pub ecn: u8,
    /// `tcp_congestion_control`, where the script sets it.
    pub congestion: Option<String>,
    /// Initial window in packets: 10 (RFC 6928).
    pub initial_window: u32,
    /// Least retransmission timeout: 200 ms.
    pub min_rto: Span,
    /// Largest retransmission timeout: 120 s.
    pub max_rto: Span,
    /// `tcp_syn_retries`.
    pub syn_retries: u32,
    /// `tcp_syn_linear_timeouts`: retransmissions of a SYN before its timeout doubles.
    pub syn_linear_timeouts: u32,
    /// `tcp_ecn_option`: whether accurate ECN feedback comes with byte counters.
    pub accurate_option: bool,
    /// `tcp_synack_retries`.
    pub synack_retries: u32,
    /// `tcp_retries2`.
    pub retries: u32,
    /// `tcp_slow_start_after_idle`.
    pub slow_start_after_idle: bool,
    /// `tcp_early_retrans` 3 or 4: tail loss probes.
    pub tail_loss_probe: bool,
    /// `tcp_keepalive_time`, `_intvl`, `_probes`.
    pub keepalive: Keepalive,
    /// `tcp_fin_timeout`: how long a closed socket stays in FIN-WAIT-2.
    pub fin_timeout: Span,
    /// `tcp_notsent_lowat`.
    pub notsent_lowat: u64,
    /// A route's `quickack 1`: each segment is acknowledged at once.
    pub quick_ack: bool,
    /// The MSS option of a route's `advmss`, in bytes.
    pub advertised_mss: Option<u16>,
    /// `burstlab.linux`: whether to do as Linux does where that is not what the RFCs say.
    pub linux: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            version: IpVersion::V4,
            mtu: 1500,
            receive_memory: Memory { least: 4096, first: 131_072, largest: 6 << 20 },
            send_memory: Memory { least: 4096, first: 16_384, largest: 4 << 20 },
            receive_memory_limit: 212_992,
            send_memory_limit: 212_992,
            timestamps: true,
            sack: true,
            window_scaling: true,
            ecn: 2,
            congestion: None,
            initial_window: 10,
            min_rto: Span::from_millis(200),
            max_rto: Span::from_secs(120),
            syn_retries: 6,
            syn_linear_timeouts: 4,
            accurate_option: true,
            synack_retries: 5,
            retries: 15,
            slow_start_after_idle: true,
            tail_loss_probe: true,
            keepalive: Keepalive { idle: Span::from_secs(7200), interval: Span::from_secs(75), probes: 9 },
            fin_timeout: Span::from_secs(60),
            notsent_lowat: u64::from(u32::MAX),
            quick_ack: false,
            advertised_mss: None,
            linux: true,
        }
    }
}

/// Seconds that no setting goes beyond: a year.
pub const LONGEST: u64 = 366 * 86_400;

/// A time of so many seconds, a year at most.
pub fn seconds(count: u64) -> Span {
    Span::from_secs(count.min(LONGEST))
}

/// What became of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It is in force, or the stack is so anyway.
    Done,
    /// The stack does otherwise and cannot be told; says what it does.
    NotExpressed(&'static str),
    /// The value is not one that the setting takes.
    Invalid,
    /// Nothing is known of it.
    Unknown,
}

/// A number as shells and C write it: decimal, or hexadecimal behind `0x`.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn memory(text: &str) -> Option<Memory> {
    let mut sizes = text.split([' ', '\t', ',']).filter(|word| !word.is_empty()).map(number);
    let memory = Memory { least: sizes.next()??, first: sizes.next()??, largest: sizes.next()?? };
    sizes.next().is_none().then_some(memory)
}

impl Settings {
    /// The settings that the `defaults.sh` of Linux's and Google's script collections makes.
    pub fn production(&mut self) {
        self.receive_memory = Memory { least: 4096, first: 540_000, largest: 15 << 20 };
        self.send_memory = Memory { least: 4096, first: 256 << 10, largest: 4_194_304 };
        self.timestamps = true;
        self.sack = true;
        self.syn_retries = 5;
        self.synack_retries = 5;
        self.slow_start_after_idle = false;
        self.tail_loss_probe = true;
        self.ecn = 0;
        self.notsent_lowat = u64::from(u32::MAX);
    }

    /// Sets one sysctl. `name` is as `sysctl` or `/proc/sys` writes it.
    pub fn sysctl(&mut self, name: &str, value: &str) -> Effect {
        let name = name.trim_start_matches("/proc/sys/").replace('/', ".");
        let value = value.trim();
        if name == "burstlab.linux" {
            return match number(value) {
                Some(on) => {
                    self.linux = on != 0;
                    Effect::Done
                }
                None => Effect::Invalid,
            };
        }
        if let Some(name) = name.strip_prefix("net.core.") {
            return self.core(name, value);
        }
        let Some(name) = name.strip_prefix("net.ipv4.") else { return Effect::Unknown };
        match name {
            "tcp_rmem" | "tcp_wmem" => {
                let Some(memory) = memory(value) else { return Effect::Invalid };
                if name == "tcp_rmem" {
                    self.receive_memory = memory
                } else {
                    self.send_memory = memory
                }
                Effect::Done
            }
            "tcp_congestion_control" => {
                self.congestion = Some(value.to_owned());
                Effect::Done
            }
            _ => match number(value) {
                Some(value) => self.numeric(name, value),
                None => held_by_design(name, None),
            },
        }
    }

    fn core(&mut self, name: &str, value: &str) -> Effect {
        let Some(value) = number(value) else { return Effect::Unknown };
        match name {
            "rmem_max" => self.receive_memory_limit = value,
            "wmem_max" => self.send_memory_limit = value,
            _ => return Effect::Unknown,
        }
        Effect::Done
    }

    fn numeric(&mut self, name: &str, value: u64) -> Effect {
        let small = u32::try_from(value).unwrap_or(u32::MAX);
        let on = value != 0;
        match name {
            "tcp_timestamps" => self.timestamps = on,
            "tcp_sack" => self.sack = on,
            "tcp_window_scaling" => self.window_scaling = on,
            "tcp_slow_start_after_idle" => self.slow_start_after_idle = on,
            "tcp_early_retrans" => self.tail_loss_probe = matches!(value, 3 | 4),
            "tcp_ecn" if value <= 5 => self.ecn = value as u8,
            "tcp_syn_retries" => self.syn_retries = small,
            "tcp_syn_linear_timeouts" => self.syn_linear_timeouts = small,
            "tcp_ecn_option" => self.accurate_option = on,
            "tcp_synack_retries" => self.synack_retries = small,
            "tcp_retries2" => self.retries = small,
            "tcp_keepalive_time" => self.keepalive.idle = seconds(value),
            "tcp_keepalive_intvl" => self.keepalive.interval = seconds(value),
            "tcp_keepalive_probes" => self.keepalive.probes = small,
            "tcp_fin_timeout" => self.fin_timeout = seconds(value),
            "tcp_notsent_lowat" => self.notsent_lowat = value,
            "tcp_rto_min_us" => self.min_rto = Span::from_micros(value.min(LONGEST * 1_000_000)),
            "tcp_rto_max_ms" => self.max_rto = Span::from_millis(value.min(LONGEST * 1000)),
            _ => return held_by_design(name, Some(value)),
        }
        Effect::Done
    }

    /// The MSS option: the MTU less the headers (RFC 9293, section 3.7.1), or what the route says.
    pub fn mss(&self) -> u16 {
        let of_mtu = u16::try_from(self.mtu.saturating_sub(self.version.headers()).max(1)).unwrap_or(u16::MAX);
        self.advertised_mss.map_or(of_mtu, |given| given.min(of_mtu))
    }
}

/// Settings of Linux that the stack holds in one way. `value`: none if it is no number.
fn held_by_design(name: &str, value: Option<u64>) -> Effect {
    let (as_it_is, otherwise): (bool, &'static str) = match name {
        "tcp_frto" => (value != Some(0), "F-RTO (RFC 5682) is always on where the peer has SACK"),
        "tcp_recovery" => (value == Some(1), "losses are detected by RACK (RFC 8985) with SACK, by counting without"),
        "tcp_dsack" => (value == Some(1), "duplicates are always reported (RFC 2883)"),
        "tcp_reordering" => (value == Some(3), "the threshold of duplicate ACKs is 3 (RFC 5681)"),
        "tcp_mtu_probing" => (value == Some(0), "the path's MTU is not probed"),
        "tcp_thin_linear_timeouts" => (value == Some(0), "timeouts back off for thin streams as well (RFC 6298)"),
        "tcp_abort_on_overflow" => (value == Some(0), "a full accept queue drops the SYN"),
        "tcp_rfc1337" => (value == Some(0), "a reset ends TIME-WAIT (RFC 5961)"),
        "tcp_retries1" | "tcp_orphan_retries" | "tcp_stdurg" | "tcp_max_orphans" => {
            (false, "the stack has no such limit")
        }
        "tcp_ecn_option_beacon" | "tcp_ecn_fallback" => (false, "the stack has no such heuristic"),
        // How Linux bundles, paces or remembers; none of it changes what a conforming sender may send.
        "tcp_fack"
        | "tcp_fastopen"
        | "tcp_fastopen_key"
        | "tcp_fastopen_blackhole_timeout_sec"
        | "tcp_syncookies"
        | "tcp_tso_win_divisor"
        | "tcp_tso_rtt_log"
        | "tcp_min_tso_segs"
        | "tcp_limit_output_bytes"
        | "tcp_autocorking"
        | "tcp_pacing_ss_ratio"
        | "tcp_pacing_ca_ratio"
        | "tcp_no_metrics_save"
        | "tcp_no_ssthresh_metrics_save"
        | "tcp_moderate_rcvbuf"
        | "tcp_adv_win_scale"
        | "tcp_app_win"
        | "tcp_comp_sack_delay_ns"
        | "tcp_comp_sack_slack_ns"
        | "tcp_comp_sack_nr"
        | "tcp_max_syn_backlog"
        | "tcp_tw_reuse"
        | "tcp_base_mss"
        | "tcp_min_snd_mss"
        | "tcp_invalid_ratelimit"
        | "tcp_challenge_ack_limit"
        | "tcp_min_rtt_wlen"
        | "tcp_migrate_req"
        | "tcp_workaround_signed_windows"
        | "tcp_shrink_window"
        | "tcp_low_latency"
        | "tcp_backlog_ack_defer"
        | "tcp_available_congestion_control"
        | "tcp_allowed_congestion_control"
        | "ip_local_port_range"
        | "ip_forward"
        | "route.flush" => (true, ""),
        _ => return Effect::Unknown,
    };
    if as_it_is { Effect::Done } else { Effect::NotExpressed(otherwise) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sysctl_is_known_by_both_of_its_spellings() {
        let mut settings = Settings::default();
        assert_eq!(settings.sysctl("net.ipv4.tcp_sack", "0"), Effect::Done);
        assert_eq!(settings.sysctl("/proc/sys/net/ipv4/tcp_rmem", "4096 540000 15728640"), Effect::Done);
        assert!(!settings.sack);
        assert_eq!(settings.receive_memory.largest, 15 << 20);
    }

    #[test]
    fn what_the_stack_cannot_do_otherwise_is_said_only_if_it_is_asked_for() {
        let mut settings = Settings::default();
        assert_eq!(settings.sysctl("net.ipv4.tcp_recovery", "1"), Effect::Done);
        assert!(matches!(settings.sysctl("net.ipv4.tcp_recovery", "0"), Effect::NotExpressed(_)));
        assert_eq!(settings.sysctl("net.ipv4.tcp_no_such", "1"), Effect::Unknown);
        assert_eq!(settings.sysctl("net.ipv4.tcp_rmem", "4096"), Effect::Invalid);
    }

    #[test]
    fn the_mss_is_what_the_headers_leave_of_the_mtu() {
        assert_eq!(Settings::default().mss(), 1460);
        assert_eq!(Settings { version: IpVersion::V6, mtu: 1520, ..Settings::default() }.mss(), 1460);
        assert_eq!(Settings { advertised_mss: Some(1000), ..Settings::default() }.mss(), 1000);
    }
}
