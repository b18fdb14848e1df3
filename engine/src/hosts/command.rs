//! Finds a program the way execvp(3) does, before anything is started, so that a missing one gets a sentence of its own.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

use super::{Guarded, HostError};

/// The path of what `guarded` would run.
pub(super) fn find(guarded: &Guarded) -> Result<PathBuf, HostError> {
    let set = guarded.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    let search = set.or_else(|| env::var_os("PATH")).unwrap_or_default();
    look_up(&guarded.program, &search, guarded.cwd.as_deref())
}

fn look_up(program: &OsStr, search: &OsString, cwd: Option<&Path>) -> Result<PathBuf, HostError> {
    // `join` gives the right side where that is absolute.
    let from_cwd = |path: &Path| cwd.map_or_else(|| path.to_owned(), |cwd| cwd.join(path));
    let candidates: Vec<PathBuf> = if program.as_bytes().contains(&b'/') {
        vec![from_cwd(Path::new(program))]
    } else if program.is_empty() {
        vec![]
    } else {
        env::split_paths(search).map(|directory| from_cwd(&directory).join(program)).collect()
    };
    let mut files = candidates.into_iter().filter(|path| path.is_file());
    let Some(first) = files.next() else {
        return Err(HostError::CommandNotFound(program.to_string_lossy().into_owned()));
    };
    let runs = |path: &PathBuf| access(path, AccessFlags::X_OK).is_ok();
    if runs(&first) {
        return Ok(first);
    }
    files.find(runs).ok_or(HostError::NotExecutable(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(program: &str, search: &str, cwd: Option<&str>) -> Result<PathBuf, String> {
        look_up(program.as_ref(), &search.into(), cwd.map(Path::new)).map_err(|e| e.to_string())
    }

    #[test]
    fn programs_are_found_in_the_path_or_where_they_are_said_to_be() {
        assert_eq!(found("sh", "/nowhere:/bin", None), Ok("/bin/sh".into()));
        assert_eq!(found("/bin/sh", "", None), Ok("/bin/sh".into()));
        assert_eq!(found("./sh", "", Some("/bin")), Ok("/bin/./sh".into()));
    }

    #[test]
    fn what_is_missing_and_what_cannot_run_are_told_apart() {
        for missing in ["", "no-such-program", "/bin/no-such-program", "/bin"] {
            assert!(found(missing, "/bin", None).unwrap_err().contains("is not found"), "{missing}");
        }
        assert!(found("passwd", "/etc", None).unwrap_err().contains("/etc/passwd is not executable"));
    }
}
