//! What can go wrong with hosts, and what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why hosts cannot be made, or a program on one not be started.
#[derive(Debug, Error)]
pub enum HostError {
    /// There is no /dev/net/tun, or no driver behind it.
    #[error(
        "this machine has no /dev/net/tun ({0}); load the driver with `modprobe tun`, or start the container with \
         --device /dev/net/tun"
    )]
    NoTun(#[source] io::Error),
    /// /dev/net/tun is there and may not be opened.
    #[error("/dev/net/tun may not be opened ({0}); run as root, or let users open it with `chmod 666 /dev/net/tun`")]
    TunForbidden(#[source] io::Error),
    /// A TUN device could not be made.
    #[error(
        "the TUN device `{device}` cannot be made on {host} ({source}); it takes the capability CAP_NET_ADMIN: run as \
         root, or allow user namespaces (see `burstlab doctor`)"
    )]
    Tun {
        /// The host's name.
        host: String,
        /// The interface's name.
        device: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A network namespace could not be made.
    #[error(
        "a network namespace cannot be made ({0}); run as root, or give the container the capabilities SYS_ADMIN and \
         NET_ADMIN"
    )]
    Namespace(#[source] io::Error),
    /// Neither root nor user namespaces.
    #[error(
        "emulated hosts take root or user namespaces, and neither is to be had here ({reason}); run as root, or allow \
         user namespaces: `sysctl -w user.max_user_namespaces=15000`, on Debian `sysctl -w \
         kernel.unprivileged_userns_clone=1`, on Ubuntu `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, in a \
         container --security-opt seccomp=unconfined"
    )]
    NoPrivilege {
        /// What stands in the way.
        reason: String,
    },
    /// A thread could not be started.
    #[error("no thread can be started for {host} ({source}); raise the limit on processes (`ulimit -u`)")]
    Thread {
        /// The host's name.
        host: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// An interface, address or route could not be set up.
    #[error("{what} cannot be set up on {host}: {source}")]
    Network {
        /// The host's name.
        host: String,
        /// What was to be done.
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A sysctl could not be written.
    #[error(
        "the sysctl {name} cannot be set to {value} on {host} ({source}); where /proc/sys is read-only, as in most \
         containers, start the container with --privileged"
    )]
    Sysctl {
        /// The host's name.
        host: String,
        /// The sysctl's name.
        name: String,
        /// What it was to become.
        value: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// A name of a sysctl that is none of a network namespace's.
    #[error("{0} is not a sysctl of a network namespace; their names begin with net., as net.ipv4.tcp_ecn")]
    NoSuchSysctl(String),
    /// A name that cannot be one.
    #[error(
        "\"{0}\" cannot be a name; names begin with a letter or digit, and have up to 64 letters, digits, dots, dashes and \
         underscores"
    )]
    BadName(String),
    /// Another run has the name.
    #[error("the name {0} is taken by a run that is still going; choose another name, or end that run")]
    NameTaken(String),
    /// A network namespace that is not ours has the name.
    #[error("there is a network namespace named {0} already, and it is not burstlab's; choose another name")]
    NamespaceTaken(String),
    /// A file that holds names could not be written or removed.
    #[error("{path} cannot be {action}: {source}", path = path.display())]
    Names {
        /// What was to be done: "written", "removed".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A plan that contradicts itself.
    #[error("the hosts cannot be made as planned: {0}")]
    Plan(String),
    /// A program that is nowhere.
    #[error("the command {0} is not found; give its path, or add its directory to PATH")]
    CommandNotFound(String),
    /// A program that may not be run.
    #[error("{path} is not executable; `chmod +x` it, or name the program that runs it", path = .0.display())]
    NotExecutable(PathBuf),
    /// A program that could not be started for another reason.
    #[error("{program} cannot be started on {host}: {source}")]
    Spawn {
        /// The host's name.
        host: String,
        /// The program.
        program: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The calling process cannot enter a user namespace any more.
    #[error("a user namespace can only be entered while the process has a single thread; it has {0}")]
    Threads(usize),
}
