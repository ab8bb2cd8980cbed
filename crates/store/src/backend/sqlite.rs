//! Opening an SQLite file: one process writes, others may read beside it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Pools, problem};
use crate::{Access, StoreError, StoreUrl};

const READERS: u32 = 4;
/// Of the writer, in KiB (SQLite's sign says so).
const CACHE: &str = "-16384";
/// Bytes the write-ahead log keeps after a checkpoint.
const LARGEST_LOG: &str = "67108864";
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn open(url: &StoreUrl, path: &Path, access: Access) -> Result<Pools, StoreError> {
    let unreachable = |problem: String| StoreError::Unreachable { url: url.to_string(), problem };
    let lock = match access {
        Access::ReadWrite => {
            create_folder(path).map_err(unreachable)?;
            Some(lock(path, &unreachable)?)
        }
        Access::ReadOnly | Access::Beside => {
            File::open(path).map_err(|error| unreachable(format!("cannot be read: {error}")))?;
            None
        }
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(TIMEOUT)
        .foreign_keys(false)
        .disable_statement_logging();
    let writer = match access {
        // FULL: a write that was noted as begun stays noted even when the power fails.
        Access::ReadWrite | Access::Beside => {
            let options = options
                .clone()
                .create_if_missing(access == Access::ReadWrite)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .pragma("cache_size", CACHE)
                .pragma("journal_size_limit", LARGEST_LOG);
            Some(connect(1, options).await.map_err(|error| unreachable(problem(&error)))?)
        }
        Access::ReadOnly => None,
    };
    let options = options.read_only(true);
    let reader = connect(READERS, options.clone());
    let reader = reader.await.map_err(|error| unreachable(problem(&error)))?;
    let watcher = connect(1, options).await.map_err(|error| unreachable(problem(&error)))?;
    Ok(Pools::Sqlite { reader, watcher, writer, lock: Mutex::new(lock) })
}

async fn connect(
    connections: u32,
    options: SqliteConnectOptions,
) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(30))
        .idle_timeout(None)
        .max_lifetime(None)
        // SQLite ends a transaction itself when the disk is full. The rollback that follows then
        // fails, and the connection takes itself to be within that transaction for ever after:
        // no other could begin on it.
        .after_release(|connection, _| {
            Box::pin(async move {
                // Behind the rollback, which a dropped transaction only puts in line.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_with(options)
        .await
}

fn create_folder(path: &Path) -> Result<(), String> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))
}

/// SQLite's own locks come and go with transactions; this one lasts as long as the store is open.
fn lock(path: &Path, unreachable: &dyn Fn(String) -> StoreError) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&name).map_err(
            |error| unreachable(format!("{} cannot be written: {error}", name.display())),
        )?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => {
            Err(unreachable(format!("{} cannot be locked: {error}", name.display())))
        }
    }
}
