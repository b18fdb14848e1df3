//! Shell lines of scripts. None is run: those that set up the host are read and mapped onto its settings.

use burstlab_algorithms::Span;

use super::settings::{Effect, LONGEST, Settings, seconds};

/// Applies the lines of `text`; gives a note for each that could not be.
pub fn apply(text: &str, settings: &mut Settings) -> Vec<String> {
    commands(text).iter().flat_map(|words| command(words, settings)).collect()
}

/// Whether a line sets up a queue that takes nothing: it would change what a script sees from then on.
pub fn drops_everything(text: &str) -> bool {
    let empties = |words: &[String]| words.windows(2).any(|pair| pair[0] == "limit" && pair[1] == "0");
    commands(text).iter().any(|words| words.first().is_some_and(|name| name == "tc") && empties(words))
}

/// Takes `text` apart into commands of words: quotes, comments, `;`, `&&` and continued lines as a shell has them.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let (mut word, mut quoted, mut begun) = (String::new(), None, false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (quoted, c) {
            (Some(quote), _) if c == quote => quoted = None,
            (Some(_), _) => word.push(c),
            (None, '"' | '\'') => (quoted, begun) = (Some(c), true),
            (None, '\\') => match characters.next() {
                Some('\n') | None => {}
                Some(other) => word.push(other),
            },
            (None, '$') if characters.peek() == Some(&'(') => word.push_str(&substitution(&mut characters)),
            (None, '#') if word.is_empty() && !begun => while characters.next_if(|c| *c != '\n').is_some() {},
            (None, ' ' | '\t') => finish(&mut commands, &mut word, &mut begun),
            // Not the end of a command but of a redirection: `2>&1`.
            (None, '&') if word.ends_with('>') => word.push(c),
            (None, '\n' | ';' | '&' | '|') => {
                finish(&mut commands, &mut word, &mut begun);
                commands.push(Vec::new());
            }
            (None, _) => word.push(c),
        }
    }
    finish(&mut commands, &mut word, &mut begun);
    commands.retain(|words| !words.is_empty());
    commands
}

fn finish(commands: &mut [Vec<String>], word: &mut String, begun: &mut bool) {
    if (!word.is_empty() || *begun)
        && let Some(last) = commands.last_mut()
    {
        last.push(std::mem::take(word));
    }
    *begun = false;
}

/// `$(...)` up to its closing bracket, as it stands.
fn substitution(characters: &mut impl Iterator<Item = char>) -> String {
    let (mut text, mut depth) = ("$".to_owned(), 0);
    for c in characters {
        text.push(c);
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    text
}

/// Replaces each `$((...))` by its value.
fn evaluate(text: &str) -> Option<String> {
    let Some((before, rest)) = text.split_once("$((") else { return Some(text.to_owned()) };
    let (sum, after) = rest.split_once("))")?;
    let product = |term: &str| term.split('*').try_fold(1u64, |n, factor| n.checked_mul(factor.trim().parse().ok()?));
    let value = sum.split('+').try_fold(0u64, |n, term| n.checked_add(product(term)?))?;
    Some(format!("{before}{value}{}", evaluate(after)?))
}

fn command(words: &[String], settings: &mut Settings) -> Vec<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !is_redirection(word)).collect();
    let Some((program, arguments)) = words.split_first() else { return Vec::new() };
    let name = program.rsplit('/').next().unwrap_or(program);
    match name {
        "sudo" | "source" | "." | "bash" | "sh" | "python" | "python3" => {
            let rest: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
            command(&rest, settings)
        }
        "defaults.sh" => {
            settings.production();
            Vec::new()
        }
        "sysctl" | "set_sysctls.py" => sysctls(arguments, settings),
        "ip" => ip(arguments, settings),
        "tc" if arguments.starts_with(&["qdisc", "add"]) && arguments.contains(&"pfifo") => Vec::new(),
        // The end of most scripts: puts back what they set.
        _ if name.starts_with("sysctl_restore_") => Vec::new(),
        "true" | "echo" | "sleep" | ":" => Vec::new(),
        _ => vec![not_run(&words)],
    }
}

fn is_redirection(word: &str) -> bool {
    word.contains('>') || word == "/dev/null"
}

fn not_run(words: &[&str]) -> String {
    format!("not run: {}", words.join(" "))
}

fn sysctls(arguments: &[&str], settings: &mut Settings) -> Vec<String> {
    let pairs = arguments.iter().filter(|word| !word.starts_with('-'));
    pairs
        .filter_map(|pair| {
            let Some((name, value)) = pair.split_once('=') else { return Some(format!("not a setting: {pair}")) };
            let Some(value) = evaluate(value) else { return Some(format!("not understood: {pair}")) };
            match settings.sysctl(name.trim(), value.trim_matches(['"', '\''])) {
                Effect::Done => None,
                Effect::NotExpressed(what) => Some(format!("{name}={value} has no effect: {what}")),
                Effect::Invalid => Some(format!("{name}={value} has no effect: not a value that it takes")),
                Effect::Unknown => Some(format!("{name}={value} has no effect: unknown here")),
            }
        })
        .collect()
}

fn ip(arguments: &[&str], settings: &mut Settings) -> Vec<String> {
    let arguments: Vec<&str> = arguments.iter().copied().filter(|word| !word.starts_with('-')).collect();
    match arguments.as_slice() {
        ["tcp_metrics", ..] => Vec::new(),
        ["link", "set", rest @ ..] => match value_of(rest, "mtu").and_then(|mtu| mtu.parse().ok()) {
            Some(mtu) => {
                settings.mtu = mtu;
                Vec::new()
            }
            None => vec![format!("not run: ip {}", arguments.join(" "))],
        },
        [object, "add" | "change" | "replace" | "append", rest @ ..] if "route".starts_with(object) => {
            route(rest, settings)
        }
        _ => vec![format!("not run: ip {}", arguments.join(" "))],
    }
}

fn value_of<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| *word == name)?;
    words.get(at + 1).copied()
}

/// A duration of a route: milliseconds, unless its unit is said.
fn duration(text: &str) -> Option<Span> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(end);
    let count: u64 = count.parse().ok()?;
    match unit {
        "" | "ms" | "msec" => Some(Span::from_millis(count.min(LONGEST * 1000))),
        "s" | "sec" => Some(seconds(count)),
        "us" | "usec" => Some(Span::from_micros(count.min(LONGEST * 1_000_000))),
        _ => None,
    }
}

fn route(words: &[&str], settings: &mut Settings) -> Vec<String> {
    let mut notes = Vec::new();
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        let takes_value = matches!(
            word,
            "via"
                | "dev"
                | "proto"
                | "scope"
                | "src"
                | "metric"
                | "table"
                | "initcwnd"
                | "rto_min"
                | "quickack"
                | "advmss"
                | "congctl"
                | "features"
                | "mtu"
                | "initrwnd"
                | "rtt"
                | "rttvar"
                | "ssthresh"
                | "cwnd"
                | "reordering"
                | "window"
                | "hoplimit"
        );
        if !takes_value {
            continue;
        }
        words.next_if(|next| *next == "lock");
        let Some(value) = words.next() else { break };
        let taken = match word {
            "via" | "dev" | "proto" | "scope" | "src" | "metric" | "table" => true,
            "initcwnd" => set(&mut settings.initial_window, value.parse().ok().filter(|window| *window > 0)),
            "rto_min" => set(&mut settings.min_rto, duration(value)),
            "quickack" => set(&mut settings.quick_ack, value.parse::<u8>().ok().map(|on| on != 0)),
            "advmss" => set(&mut settings.advertised_mss, value.parse().ok().map(Some)),
            "mtu" => set(&mut settings.mtu, value.parse().ok()),
            "congctl" => set(&mut settings.congestion, Some(Some(value.to_owned()))),
            "features" if value == "ecn" => set(&mut settings.ecn, Some(1)),
            _ => false,
        };
        if !taken {
            notes.push(format!("a route's {word} {value} has no effect here"));
        }
    }
    notes
}

fn set<T>(place: &mut T, value: Option<T>) -> bool {
    let known = value.is_some();
    if let Some(value) = value {
        *place = value;
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> (Settings, Vec<String>) {
        let mut settings = Settings::default();
        let notes = apply(text, &mut settings);
        (settings, notes)
    }

    #[test]
    fn sysctls_come_with_options_in_rows_and_with_arithmetic() {
        let (settings, notes) = after(
            "sysctl -q -w net.ipv4.tcp_sack=0 net.ipv4.tcp_timestamps=0 > /dev/null 2>&1\n\
             sysctl -q net.ipv4.tcp_rmem=\"4096 540000 $((15*1024*1024))\"",
        );
        assert_eq!(notes, Vec::<String>::new());
        assert!(!settings.sack && !settings.timestamps);
        assert_eq!(settings.receive_memory.largest, 15 << 20);
    }

    #[test]
    fn the_helper_scripts_of_the_collections_are_known_by_name() {
        let (settings, notes) = after(
            "../../common/defaults.sh\n\
             ../common/set_sysctls.py /proc/sys/net/ipv4/tcp_ecn=1 \\\n  /proc/sys/net/ipv4/tcp_wmem=\"4096 50000 4194304\"\n\
             /tmp/sysctl_restore_${PPID}.sh",
        );
        assert_eq!(notes, Vec::<String>::new());
        assert_eq!((settings.ecn, settings.send_memory.first, settings.syn_retries), (1, 50_000, 5));
    }

    #[test]
    fn routes_set_windows_timeouts_and_controllers() {
        let (settings, notes) = after(
            "ip route change default via 192.168.0.1 dev tun0 initcwnd 4 rto_min lock 50ms quickack 1 congctl reno ssthresh 9",
        );
        assert_eq!((settings.initial_window, settings.min_rto), (4, Span::from_millis(50)));
        assert!(settings.quick_ack);
        assert_eq!(settings.congestion.as_deref(), Some("reno"));
        assert_eq!(notes, ["a route's ssthresh 9 has no effect here"]);
    }

    #[test]
    fn a_queue_that_takes_nothing_is_recognised() {
        assert!(drops_everything("tc qdisc replace dev tun0 root pfifo limit 0"));
        assert!(!drops_everything("tc qdisc replace dev tun0 root pfifo limit 01"));
        assert!(!drops_everything("tc qdisc add dev tun0 root pfifo"));
    }

    #[test]
    fn whatever_else_a_shell_would_do_is_not_done_and_said() {
        let (_, notes) = after("tc qdisc replace dev tun0 root pfifo limit 0; nstat -n");
        assert_eq!(notes, ["not run: tc qdisc replace dev tun0 root pfifo limit 0", "not run: nstat -n"]);
    }
}
