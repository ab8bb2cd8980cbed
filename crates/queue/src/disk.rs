//! The queue of the embedded mode: one log per lane below one folder.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Lane, QueueError, QueueHealth,
    log::{Log, LogConfig, LogReader},
};

/// Young messages that need not be read back, per lane.
const CACHE_BYTES: usize = 16 << 20;

#[derive(Debug)]
pub(crate) struct DiskQueue {
    exchanges: Arc<Log>,
    pairs: Arc<Log>,
}

impl DiskQueue {
    pub(crate) async fn open(path: PathBuf, max_bytes: u64) -> Result<Self, QueueError> {
        let shown = path.clone();
        let open = move || Self::open_blocking(&path, max_bytes);
        tokio::task::spawn_blocking(open)
            .await
            .map_err(|error| QueueError::Disk { path: shown, problem: error.to_string() })?
    }

    fn open_blocking(path: &Path, max_bytes: u64) -> Result<Self, QueueError> {
        let config = LogConfig { cache_bytes: CACHE_BYTES, ..LogConfig::bounded(max_bytes) };
        let open = |lane: Lane| Log::open(&path.join(lane.as_str()), &config).map(Arc::new);
        Ok(Self { exchanges: open(Lane::Exchanges)?, pairs: open(Lane::Pairs)? })
    }

    pub(crate) fn log(&self, lane: Lane) -> &Arc<Log> {
        match lane {
            Lane::Exchanges => &self.exchanges,
            Lane::Pairs => &self.pairs,
        }
    }

    pub(crate) fn reader(&self, lane: Lane, prefetch: u16) -> LogReader {
        LogReader::join(self.log(lane), u32::from(prefetch))
    }

    pub(crate) fn health(&self) -> QueueHealth {
        let logs = [&self.exchanges, &self.pairs];
        let failure = logs.iter().find_map(|log| log.failure());
        let damaged: usize = logs.iter().map(|log| log.damaged().len()).sum();
        let connected = failure.is_none();
        let detail = match (failure, damaged) {
            (Some(failure), _) => failure,
            (None, 0) => String::new(),
            (None, n) => {
                let folder = self.exchanges.path().parent().unwrap_or(self.exchanges.path());
                format!("{n} damaged segments below {} were set aside", folder.display())
            }
        };
        QueueHealth { connected, blocked: false, detail }
    }

    pub(crate) async fn close(&self) {
        self.exchanges.close().await;
        self.pairs.close().await;
    }
}
