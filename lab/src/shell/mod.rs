//! Programs on the hosts of an emulated network: what each is told, where its output goes, and how they end.

mod ends;
mod environment;
pub(crate) mod listen;
mod output;

use std::ffi::OsString;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use burstlab_engine::hosts::{Guarded, HostError, Hosts};

pub(crate) use ends::{Running, Verdict};

/// A host as programs and their user see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its address.
    pub address: Ipv4Addr,
    /// Which namespace it is, of those that were made.
    pub namespace: usize,
    /// The namespace's name for `ip netns exec`.
    pub name: String,
}

/// A program to run on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    /// The host, from 0.
    pub host: usize,
    /// The program and its arguments. `{host}` and `{address}` in them become the host's.
    pub words: Vec<OsString>,
    /// As the user wrote it.
    pub line: String,
}

/// How programs are joined to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    /// There is one, and it takes the place of burstlab at the terminal or in the pipe.
    Alone {
        /// Whether standard input is a terminal, which it gets.
        terminal: bool,
        /// Whether it is a shell to work in, whose code says nothing but how its last command ended.
        interactive: bool,
    },
    /// There are several: none reads, and each line that one writes says whose it is.
    Together,
}

/// Tells where the hosts are.
pub(crate) type Announce = Box<dyn Fn(&[Place])>;

/// The programs of a run.
pub(crate) struct Programs {
    /// Name of the network, and with it of its namespaces.
    pub name: String,
    /// What runs where.
    pub list: Vec<Program>,
    /// How they are joined to the user.
    pub joined: Joined,
    /// Whether what they write to standard output goes to standard error, since burstlab needs the former.
    pub divert: bool,
    /// The controller of their TCP; the kernel's own default if none.
    pub controller: Option<String>,
    /// How often the user has asked them to end.
    pub asked: Arc<AtomicU32>,
    /// Tells the user where the hosts are, before the programs begin.
    pub announce: Announce,
}

impl Program {
    /// Whether the program is there and can be run.
    ///
    /// # Errors
    /// If it is not.
    pub fn check(&self) -> Result<(), HostError> {
        let program = self.words.first().cloned().unwrap_or_default();
        Guarded::new(program).check()
    }
}

impl Programs {
    /// Starts them on `hosts`, of which `places` has an entry for each host of the network.
    ///
    /// # Errors
    /// If one cannot be started; those before it are killed.
    pub fn start(&self, hosts: &Hosts, places: &[Place]) -> Result<Running, HostError> {
        (self.announce)(places);
        let width = self.list.iter().map(|program| program.host.to_string().len()).max().unwrap_or(1);
        let mut running = Running::new(self.joined);
        for program in &self.list {
            let Some((place, host)) = places.get(program.host).and_then(|p| Some((p, hosts.get(p.namespace)?))) else {
                continue;
            };
            let mut process = host.spawn(self.guarded(program, place, places)?)?;
            let streams = match self.joined {
                Joined::Alone { .. } => Vec::new(),
                Joined::Together => {
                    let prefix = format!("{:<1$} | ", format!("host{}", program.host), "host".len() + width);
                    output::forward(&mut process, &prefix, self.divert)
                }
            };
            running.add(program, process, streams);
        }
        Ok(running)
    }

    fn guarded(&self, program: &Program, place: &Place, places: &[Place]) -> Result<Guarded, HostError> {
        let mut words = program.words.iter().map(|word| environment::filled(word, program.host, place.address));
        let mut guarded = Guarded::new(words.next().unwrap_or_default());
        guarded.args = words.collect();
        let addresses: Vec<_> = places.iter().map(|place| place.address).collect();
        guarded.env = environment::of(program.host, &addresses);
        match self.joined {
            Joined::Alone { terminal, .. } => {
                guarded.terminal = terminal;
                guarded.stdin = Stdio::inherit();
                if self.divert {
                    guarded.stdout = diverted().map_err(|source| HostError::Spawn {
                        host: format!("host{}", program.host),
                        program: program.line.clone(),
                        source,
                    })?;
                }
            }
            Joined::Together => (guarded.stdout, guarded.stderr) = (Stdio::piped(), Stdio::piped()),
        }
        Ok(guarded)
    }
}

/// Standard error, in the place of standard output.
fn diverted() -> io::Result<Stdio> {
    io::stderr().as_fd().try_clone_to_owned().map(Stdio::from)
}
