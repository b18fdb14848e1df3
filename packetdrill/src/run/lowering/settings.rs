//! Options that a script sets for its own run.

use burstlab_algorithms::Span;

use super::Unsupported;
use crate::run::options::Options;
use crate::run::settings::{IpVersion, LONGEST};
use crate::script::{Script, ScriptOption};

/// `options` with what the script says, and notes on what means nothing here.
///
/// # Errors
/// If the script needs something that is not there.
pub fn configure(script: &Script, options: &Options) -> Result<(Options, Vec<String>), Unsupported> {
    let mut options = options.clone();
    let mut notes = Vec::new();
    for option in &script.options {
        let line = option.position.line;
        if !set(&mut options, option).map_err(|what| format!("line {line}: {what}"))? {
            notes.push(format!("line {line}: --{} means nothing here", option.name));
        }
    }
    Ok((options, notes))
}

/// Takes one option over; whether it is known.
fn set(options: &mut Options, option: &ScriptOption) -> Result<bool, Unsupported> {
    let value = option.value.as_deref().unwrap_or("");
    let number = || value.parse::<u64>().map_err(|_| format!("--{} takes a number, not \"{value}\"", option.name));
    let small = || number().and_then(|n| u32::try_from(n).map_err(|_| format!("--{} is too large", option.name)));
    match option.name.as_str() {
        "tolerance_usecs" => options.tolerance.fixed = Span::from_micros(number()?.min(LONGEST * 1_000_000)),
        "tolerance_percent" => {
            let percent: f64 = value.parse().map_err(|_| format!("\"{value}\" is no number of percent"))?;
            options.tolerance.share = if percent.is_finite() { percent.clamp(0.0, 100.0) / 100.0 } else { 0.0 };
        }
        "tcp_ts_tick_usecs" => options.tick_micros = small()?,
        "tcp_ts_ecr_scaled" => options.scaled_echoes = true,
        "mtu" => options.mtu = Some(small()?),
        "ip_version" => match value {
            "ipv4" | "ipv4-mapped-ipv6" => options.version = IpVersion::V4,
            "ipv6" => options.version = IpVersion::V6,
            _ => return Err(format!("\"{value}\" is no version of IP")),
        },
        "wire_client" | "wire_server" => return Err("a second machine is needed".to_owned()),
        // Where the script's packets come from and go to; there is one path here.
        "local_ip" | "remote_ip" | "gateway_ip" | "netmask_ip" | "bind_port" | "connect_port" | "speed" | "define"
        | "send_omit_free" | "mss" | "code_command" | "code_format" | "code_sockopt" | "verbose" | "debug" => {}
        _ => return Ok(false),
    }
    Ok(true)
}
