//! The `burstlab` program, for the tests of this package.

fn main() -> std::process::ExitCode {
    burstlab::main()
}
