//! Names for namespaces in /run/netns, and what is left of them when their owner was killed.
//!
//! A run writes the names that it is about to take into /run/burstlab/NAME and holds a lock on that file. The kernel lets
//! go of the lock when the process ends, however it ends: so a file without a lock is a run that was killed, whichever
//! process has its number now. Only names that stand in such a file are ever removed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::{HostError, privilege};

mod directory;

/// Where `ip netns` looks for names (ip-netns(8)).
const NAMESPACES: &str = "/run/netns";
/// Where runs say which names are theirs.
const RUNS: &str = "/run/burstlab";
/// How long another process that looks for leftovers may hold a lock that is not its own; it takes microseconds.
const LOOK_OF_ANOTHER: Duration = Duration::from_millis(200);

/// What a run that was killed left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The run's name.
    pub run: String,
    /// Its names in /run/netns that are still there.
    pub namespaces: Vec<String>,
}

/// The names of a run. They go when this is dropped.
pub(super) struct Names {
    run: File,
    path: PathBuf,
    namespaces: Vec<String>,
    // Dropped when the names are gone.
    _directory: Option<directory::Mounted>,
}

impl Names {
    /// Takes the name of a run and those of its namespaces, or says who has them.
    pub(super) fn claim(run: &str, namespaces: Vec<String>) -> Result<Names, HostError> {
        let path = Path::new(RUNS).join(run);
        let written = |path: &Path, source| HostError::Names { action: "written", path: path.to_owned(), source };
        for directory in [RUNS, NAMESPACES] {
            fs::create_dir_all(directory).map_err(|e| written(Path::new(directory), e))?;
        }
        let end = Instant::now() + LOOK_OF_ANOTHER;
        let mut file = loop {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(|e| written(&path, e))?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => break file,
                // It was removed between opening and locking.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(LOOK_OF_ANOTHER / 20),
                Err(TryLockError::WouldBlock) => return Err(HostError::NameTaken(run.to_owned())),
                Err(TryLockError::Error(source)) => return Err(written(&path, source)),
            }
        };
        remove_listed(&mut file)?;
        if let Some(taken) = namespaces.iter().find(|name| place(name).exists()) {
            // The file has nothing to say any more, and to fail to remove it changes nothing about the reason.
            let _ = fs::remove_file(&path);
            return Err(HostError::NamespaceTaken(taken.clone()));
        }
        let list: String = namespaces.iter().map(|name| format!("{name}\n")).collect();
        file.rewind().and_then(|()| file.set_len(0)).map_err(|e| written(&path, e))?;
        file.write_all(list.as_bytes()).map_err(|e| written(&path, e))?;
        Ok(Names { run: file, path, namespaces, _directory: directory::Mounted::make() })
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        let removed = self.namespaces.iter().filter(|name| unbind(name).is_ok()).count();
        // What could not be removed stays listed, for `clean`.
        if removed == self.namespaces.len() {
            let _ = fs::remove_file(&self.path);
        }
        let _ = self.run.unlock();
    }
}

/// Gives the calling thread's network namespace a name that was claimed.
pub(super) fn bind(name: &str) -> Result<(), HostError> {
    let path = place(name);
    let failed = |source| HostError::Names { action: "written", path: place(name), source };
    File::create_new(&path).map_err(failed)?;
    mount(Some("/proc/thread-self/ns/net"), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(|errno| failed(errno.into()))
}

/// Whether names can be had: /run/netns is a matter of the machine's mounts, which a user namespace may not change.
pub(super) fn available() -> bool {
    privilege::is_root() && !privilege::in_user_namespace()
}

/// What runs that were killed left behind. Runs that are still going are not listed.
pub fn leftovers() -> Vec<Leftover> {
    dead_runs().into_iter().map(|(leftover, _)| leftover).collect()
}

/// Removes what runs that were killed left behind, and says what it was.
pub fn clean() -> Result<Vec<Leftover>, HostError> {
    let mut cleaned = Vec::new();
    for (leftover, mut file) in dead_runs() {
        remove_listed(&mut file)?;
        let path = Path::new(RUNS).join(&leftover.run);
        fs::remove_file(&path).map_err(|source| HostError::Names { action: "removed", path, source })?;
        cleaned.push(leftover);
    }
    Ok(cleaned)
}

/// The runs that nobody has locked, each with its file, locked by us.
fn dead_runs() -> Vec<(Leftover, File)> {
    let Ok(runs) = fs::read_dir(RUNS) else { return Vec::new() };
    let mut dead: Vec<_> = runs.flatten().filter_map(|entry| dead_run(&entry.path())).collect();
    dead.sort_by(|(a, _), (b, _)| a.run.cmp(&b.run));
    dead
}

fn dead_run(path: &Path) -> Option<(Leftover, File)> {
    let mut file = OpenOptions::new().read(true).write(true).open(path).ok()?;
    file.try_lock().ok()?;
    if !is_at(&file, path) {
        return None;
    }
    let run = path.file_name()?.to_str()?.to_owned();
    let namespaces = listed(&mut file).ok()?.into_iter().filter(|name| place(name).exists()).collect();
    Some((Leftover { run, namespaces }, file))
}

fn listed(file: &mut File) -> io::Result<Vec<String>> {
    let mut list = String::new();
    file.rewind()?;
    file.read_to_string(&mut list)?;
    // Nothing but a name directly below /run/netns is believed.
    Ok(list
        .lines()
        .filter(|name| !name.is_empty() && !name.contains('/') && *name != "..")
        .map(str::to_owned)
        .collect())
}

fn remove_listed(file: &mut File) -> Result<(), HostError> {
    for name in listed(file).unwrap_or_default() {
        unbind(&name).map_err(|source| HostError::Names { action: "removed", path: place(&name), source })?;
    }
    Ok(())
}

fn unbind(name: &str) -> io::Result<()> {
    let path = place(name);
    // Not mounted is what an interrupted `bind` leaves.
    let _ = umount2(&path, MntFlags::MNT_DETACH);
    match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn place(name: &str) -> PathBuf {
    Path::new(NAMESPACES).join(name)
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}
