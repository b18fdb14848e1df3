//! `burstlab doctor`

use clap::Args;

use super::Failure;

/// `burstlab doctor`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Remove what runs that were killed left behind
    #[arg(long)]
    clean: bool,
}

#[cfg(target_os = "linux")]
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    use burstlab_engine::hosts;
    use burstlab_engine::hosts::doctor::{self, State};

    use super::output;

    if arguments.clean {
        let removed = hosts::clean().map_err(|error| Failure::Machine(error.to_string()))?;
        for leftover in &removed {
            output::line(&format!("removed {} of {}", leftover.namespaces.join(", "), leftover.run))?;
        }
        if removed.is_empty() {
            output::line("nothing was left behind")?;
        }
        return Ok(());
    }
    let examination = doctor::examine();
    for finding in &examination.findings {
        let state = match finding.state {
            State::Ok => "ok",
            State::Note => "note",
            State::Missing => "MISSING",
        };
        output::line(&format!("{state:<8}{:<14}{}", finding.what, finding.sentence))?;
        if let Some(remedy) = &finding.remedy {
            output::line(&format!("{:22}{remedy}", ""))?;
        }
    }
    match examination.capable() {
        true => output::line("\nThis machine can run experiments on TUN devices (--on tun)."),
        false => Err(Failure::Machine(
            "this machine cannot run experiments on TUN devices; what is MISSING stands above. Virtual time works"
                .to_owned(),
        )),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn run(_: &Arguments) -> Result<(), Failure> {
    Err(Failure::Machine("hosts and TUN devices take Linux; virtual time works everywhere".to_owned()))
}
