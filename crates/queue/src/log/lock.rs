//! One process per folder.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    time::{Duration, Instant},
};

use super::folder::DiskFolder;
use crate::QueueError;

const NAME: &str = "lock";

pub(super) fn is_lock(name: &str) -> bool {
    name == NAME
}

/// Held until dropped; the system releases it when the process dies.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: fs::File,
}

impl FolderLock {
    /// Tries for `patience`: whoever is just leaving the folder is waited for.
    pub(crate) fn take(folder: &Path, patience: Duration) -> Result<Self, QueueError> {
        let give_up = Instant::now() + patience;
        loop {
            if let Some(lock) = try_take(folder)? {
                return Ok(lock);
            }
            if Instant::now() >= give_up {
                return Err(QueueError::Locked(folder.to_owned()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// `None`: somebody else has it.
fn try_take(folder: &Path) -> Result<Option<FolderLock>, QueueError> {
    let path = folder.join(NAME);
    let failed = |error: std::io::Error| QueueError::Disk {
        path: path.clone(),
        problem: format!("cannot be locked: {error}"),
    };
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = match options.open(&path) {
        Ok(file) => file,
        // Removed just now, by the one who drained it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            DiskFolder::create(folder).map_err(failed)?;
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
    }
    // Whoever adopts a drained spool removes its folder: a lock on a removed file locks nothing.
    let same = fs::metadata(&path).is_ok_and(|now| {
        file.metadata().is_ok_and(|held| (held.dev(), held.ino()) == (now.dev(), now.ino()))
    });
    Ok(same.then_some(FolderLock { _file: file }))
}
