//! The `burstlab` program: experiments, running them, results and what is made of them.
//!
//! A controller of one's own joins the built-in ones in a program of a few lines:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     burstlab::main_with(|registry| {
//!         // registry.add(MY_ENTRY)
//!         Ok(())
//!     })
//! }
//! ```

pub mod bundled;
mod cell;
pub mod check;
mod cli;
pub mod compare;
pub mod experiment;
pub mod report;
pub mod results;
pub mod runner;
#[cfg(target_os = "linux")]
mod shell;
pub mod table;
pub mod tap;
mod traces;
pub mod validate;

use std::process::ExitCode;

use burstlab_algorithms::{NameTaken, Registry};

/// Runs the command line of this process with the built-in controllers.
pub fn main() -> ExitCode {
    cli::main(&Registry::default())
}

/// As [`main()`], after `add` has put controllers of its own into the registry.
pub fn main_with(add: impl FnOnce(&mut Registry) -> Result<(), NameTaken>) -> ExitCode {
    let mut registry = Registry::default();
    match add(&mut registry) {
        Ok(()) => cli::main(&registry),
        Err(error) => {
            eprintln!("burstlab: {error}");
            ExitCode::from(2)
        }
    }
}
