//! Queue and store from their URLs, with one clear line when they cannot be had.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use queue::{Queue, QueueConfig, QueueUrl, spool::SpoolConfig};
use store::{Access, Store, StoreUrl};

use crate::config::Settings;

pub(crate) fn queue_url(
    flag: Option<&str>,
    settings: &Settings,
    fallback: Option<&Path>,
) -> anyhow::Result<QueueUrl> {
    match (flag.or(settings.queue.url.as_deref()), fallback) {
        (Some(text), _) => Ok(text.parse()?),
        (None, Some(folder)) => Ok(QueueUrl::Disk(folder.to_owned())),
        (None, None) => bail!("no queue: pass --queue amqp://HOST or set `url` in [queue]"),
    }
}

pub(crate) fn store_url(
    flag: Option<&str>,
    settings: &Settings,
    fallback: Option<&Path>,
) -> anyhow::Result<StoreUrl> {
    match (flag.or(settings.store.url.as_deref()), fallback) {
        (Some(text), _) => Ok(text.parse()?),
        (None, Some(file)) => Ok(StoreUrl::Sqlite(file.to_owned())),
        (None, None) => {
            bail!("no store: pass --store postgres://HOST/DATABASE or set `url` in [store]")
        }
    }
}

/// Separate roles cannot share a folder or a file.
pub(crate) fn refuse_embedded(
    queue: Option<&QueueUrl>,
    store: Option<&StoreUrl>,
) -> anyhow::Result<()> {
    if let Some(url @ QueueUrl::Disk(_)) = queue {
        bail!("{url} belongs to one process: separate roles need amqp://, or use `understudy up`");
    }
    if let Some(url @ StoreUrl::Sqlite(_)) = store {
        bail!(
            "{url} belongs to one process: separate roles need postgres://, or use `understudy up`"
        );
    }
    Ok(())
}

pub(crate) fn queue_config(url: QueueUrl, settings: &Settings) -> QueueConfig {
    QueueConfig {
        url,
        partitions: settings.queue.partitions,
        prefix: settings.queue.prefix.clone(),
        max_bytes: settings.queue.max_bytes,
        confirm_timeout: Duration::from_millis(settings.queue.confirm_timeout_ms),
    }
}

pub(crate) async fn queue(url: QueueUrl, settings: &Settings) -> anyhow::Result<Queue> {
    Ok(Queue::open(queue_config(url, settings)).await?)
}

pub(crate) async fn store(url: &StoreUrl) -> anyhow::Result<Store> {
    Ok(Store::open(url, Access::ReadWrite).await?)
}

pub(crate) fn spool(folder: PathBuf, settings: &Settings) -> SpoolConfig {
    SpoolConfig {
        folder,
        max_bytes: settings.queue.spool_max_bytes,
        max_held_bytes: 64 << 20,
        sync_after: Duration::from_millis(50),
    }
}

/// Makes the data folder, readable by this user alone.
pub(crate) fn data_folder(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if path.exists() && !path.is_dir() {
        bail!("data folder {} is a file", path.display());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("data folder {} cannot be made", path.display()))
}
