//! Opening the tap's own spool and those that other taps left behind.
//!
//! A spool folder is known by its mark, so that nothing else below the same parent is mistaken
//! for one. A spool that a living tap holds is locked and left alone.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{SpoolConfig, logs::Logs};
use crate::{
    QueueError,
    log::{
        Log, LogConfig,
        folder::{DiskFolder, Folder as _},
    },
};

const MARK: &str = "spool";

/// Own and adopted logs.
pub(super) async fn open_logs(config: &SpoolConfig) -> Result<Logs, QueueError> {
    let (config, folder) = (config.clone(), config.folder.clone());
    tokio::task::spawn_blocking(move || open_blocking(&config)).await.map_err(|error| {
        QueueError::Disk { path: folder, problem: format!("cannot be opened: {error}") }
    })?
}

fn open_blocking(config: &SpoolConfig) -> Result<Logs, QueueError> {
    let bounds = LogConfig::bounded(config.max_bytes);
    let own = Log::open(&config.folder, &bounds)?;
    let marked = DiskFolder::create(&config.folder).and_then(|folder| folder.create(MARK));
    marked.map_err(|error| QueueError::Disk {
        path: config.folder.clone(),
        problem: format!("cannot be written: {error}"),
    })?;
    let adopted = match siblings(&config.folder) {
        Ok(siblings) => siblings.iter().filter_map(|path| adopt(path, &bounds)).collect(),
        Err(error) => {
            let folder = config.folder.display();
            tracing::warn!(%folder, %error, "spools beside this one cannot be looked for");
            Vec::new()
        }
    };
    Ok(Logs { own: Arc::new(own), adopted })
}

/// Marked folders beside this one, by name.
fn siblings(own: &Path) -> io::Result<Vec<PathBuf>> {
    let own = fs::canonicalize(own)?;
    let Some(parent) = own.parent() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        if path != own && path.join(MARK).is_file() {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn adopt(path: &Path, bounds: &LogConfig) -> Option<Arc<Log>> {
    let now = LogConfig { lock_patience: Duration::ZERO, ..bounds.clone() };
    let folder = path.display();
    match Log::open(path, &now) {
        Ok(log) => {
            let messages = log.size().unsettled;
            tracing::info!(%folder, messages, "took over the spool of a tap that is gone");
            Some(Arc::new(log))
        }
        Err(QueueError::Locked(_)) => None,
        Err(error) => {
            tracing::warn!(%folder, %error, "the spool of a tap that is gone cannot be opened");
            None
        }
    }
}

/// Removes a drained spool that was adopted. Damaged segments in it keep the folder.
pub(super) async fn retire(log: Arc<Log>) {
    log.close().await;
    let path = log.path().to_owned();
    let removed = tokio::task::spawn_blocking(move || Log::remove_folder(&path, &[MARK])).await;
    match removed {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let folder = log.path().display();
            tracing::warn!(%folder, %error, "a drained spool stays in place");
        }
        Err(error) => tracing::warn!(%error, "a drained spool stays in place"),
    }
}
