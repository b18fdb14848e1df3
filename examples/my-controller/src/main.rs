//! burstlab with one controller more.

mod gentle;

fn main() -> std::process::ExitCode {
    burstlab::main_with(|registry| registry.add(gentle::ENTRY))
}
