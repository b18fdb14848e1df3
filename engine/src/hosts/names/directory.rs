//! /run/netns as ip-netns(8) wants it: a mount of its own that is shared with other mount namespaces.
//!
//! `ip netns add` makes it one if it is not. Were names mounted there before, they would be mounted twice from then on, once
//! out of reach below the new mount, and their files could not be removed any more. So it is made one first.

use std::fs;
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::NAMESPACES;

/// The mount, if it was not there before. It goes when this is dropped, unless there are names in it then.
pub(super) struct Mounted;

impl Mounted {
    /// `None` if there is nothing to take back. To do without the mount harms nobody as long as nobody else makes it, so
    /// it is no error.
    pub(super) fn make() -> Option<Mounted> {
        let share =
            || mount(None::<&str>, NAMESPACES, None::<&str>, MsFlags::MS_SHARED | MsFlags::MS_REC, None::<&str>);
        if share().is_ok() {
            return None;
        }
        mount(Some(NAMESPACES), NAMESPACES, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>).ok()?;
        let mounted = Mounted;
        share().is_ok().then_some(mounted)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let empty = fs::read_dir(Path::new(NAMESPACES)).is_ok_and(|mut names| names.next().is_none());
        if empty {
            // Not detached: the kernel refuses if a name was mounted in the meantime.
            let _ = umount2(NAMESPACES, MntFlags::empty());
        }
    }
}
