//! Hosts, made and taken down together.

use std::io;

use super::names::{self, Names};
use super::namespace::Namespace;
use super::process::{Guarded, Process};
use super::{HostError, Plan, Tun, command, devices, sysctl};

/// The hosts of one emulated network. They go when this is dropped, with all programs on them.
pub struct Hosts {
    hosts: Vec<Host>,
    // Dropped after the hosts.
    _names: Option<Names>,
}

impl Hosts {
    /// Makes them, all at the same time.
    pub fn make(plan: &Plan) -> Result<Hosts, HostError> {
        plan.check()?;
        let full_name = |host: &str| format!("{}-{host}", plan.name);
        let names = if plan.named && Hosts::names_available() {
            let all = plan.hosts.iter().map(|host| full_name(&host.name)).collect();
            Some(Names::claim(&plan.name, all)?)
        } else {
            None
        };

        let mut started = Vec::with_capacity(plan.hosts.len());
        for host in &plan.hosts {
            started.push(Namespace::start(&host.name)?);
        }
        let mut pending = Vec::with_capacity(started.len());
        for ((namespace, unshared), host) in started.into_iter().zip(&plan.hosts) {
            unshared.wait().and_then(|result| result).map_err(HostError::Namespace)?;
            let (host, network) = (host.clone(), plan.network);
            let name = names.is_some().then(|| full_name(&host.name));
            let devices = namespace.submit(move || {
                sysctl::prepare(&host)?;
                let devices = devices::make(&host, network)?;
                sysctl::apply(&host)?;
                name.map_or(Ok(()), |name| names::bind(&name))?;
                Ok(devices)
            });
            pending.push((namespace, devices));
        }

        let mut hosts = Vec::with_capacity(pending.len());
        for ((namespace, devices), host) in pending.into_iter().zip(&plan.hosts) {
            let ended = |source| HostError::Thread { host: host.name.clone(), source };
            let devices = devices.wait().map_err(ended)??;
            hosts.push(Host { name: host.name.clone(), link: devices.link, stack: devices.stack, namespace });
        }
        Ok(Hosts { hosts, _names: names })
    }

    /// Whether [`Plan::named`] can be had here. It takes root: a user namespace may not mount over /run/netns.
    pub fn names_available() -> bool {
        names::available()
    }

    /// The hosts in the order of the plan.
    pub fn iter(&self) -> std::slice::Iter<'_, Host> {
        self.hosts.iter()
    }

    /// The host at a place of the plan.
    pub fn get(&self, index: usize) -> Option<&Host> {
        self.hosts.get(index)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        // The kernel takes tens of milliseconds to remove a device, so they are removed all at the same time.
        let removed: Vec<_> = self.hosts.drain(..).map(Host::remove).collect();
        drop(removed);
    }
}

impl<'a> IntoIterator for &'a Hosts {
    type Item = &'a Host;
    type IntoIter = std::slice::Iter<'a, Host>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One host.
pub struct Host {
    name: String,
    link: Tun,
    stack: Option<Tun>,
    namespace: Namespace,
}

impl Host {
    /// Begins to remove the devices.
    fn remove(self) -> Namespace {
        let Host { link, stack, namespace, .. } = self;
        // Dropping the namespace waits for its thread, which comes to its end after this.
        drop(namespace.submit(move || drop((link, stack))));
        namespace
    }

    /// Its name in the plan.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The switch's end of the host's link: what the host sends is read here.
    pub fn link(&self) -> &Tun {
        &self.link
    }

    /// The userspace endpoint's device, if the plan gave it an address: what is written here, the host sends.
    pub fn stack(&self) -> Option<&Tun> {
        self.stack.as_ref()
    }

    /// Runs `f` on the host's thread and waits for what it gives back. Sockets that `f` opens belong to the host for good,
    /// whoever uses them later.
    ///
    /// There is one such thread: while `f` runs nothing else can be started on the host, and `f` must not call `within`
    /// or [`spawn`](Self::spawn) of the same host. A panic in `f` goes on in the caller.
    pub fn within<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        self.namespace.submit(f).wait()
    }

    /// Starts a program on the host. It dies with this host, this process and its [`Process`], whichever ends first, and
    /// takes all its children along.
    ///
    /// The program that calls this must hand its own hidden subcommand `guard` to
    /// [`guard_main`](super::guard::guard_main).
    pub fn spawn(&self, program: Guarded) -> Result<Process, HostError> {
        command::find(&program)?;
        let name = program.program.to_string_lossy().into_owned();
        let failed = |source| HostError::Spawn { host: self.name.clone(), program: name, source };
        let child = self.within(move || program.command().spawn()).and_then(|result| result).map_err(failed)?;
        Ok(Process::new(child))
    }
}
