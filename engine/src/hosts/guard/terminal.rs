//! Who is in the foreground of the terminal: its keys' signals go there, and only those may read it (termios(3)).

use std::io;

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getpgrp, setpgid, tcgetpgrp, tcsetpgrp};

/// The foreground group as it was; it is so again when this is dropped.
pub(super) struct Foreground(Pid);

impl Foreground {
    /// `None` if standard input is not a terminal.
    pub(super) fn remember() -> Option<Foreground> {
        tcgetpgrp(io::stdin()).ok().map(Foreground)
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        set(self.0);
    }
}

/// Puts this process, and so the command that it will start, into a group of its own in the foreground. If standard input
/// is not a terminal there is none to take.
pub(super) fn take_foreground() {
    if tcgetpgrp(io::stdin()).is_ok() && setpgid(Pid::from_raw(0), Pid::from_raw(0)).is_ok() {
        set(getpgrp());
    }
}

/// Who is in the background is stopped by SIGTTOU for this, unless it is blocked (tcsetpgrp(3)).
fn set(group: Pid) {
    let mut blocked = SigSet::empty();
    blocked.add(Signal::SIGTTOU);
    let before = blocked.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK);
    // A terminal that is gone has no foreground.
    let _ = tcsetpgrp(io::stdin(), group);
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
}
