//! The `burstlab` program with the built-in controllers.

fn main() -> std::process::ExitCode {
    burstlab::main()
}
