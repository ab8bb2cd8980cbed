//! Pools of either dialect, and transactions from them.

mod postgres;
mod schema;
mod sqlite;

use std::{
    fs::File,
    sync::{Mutex, PoisonError},
};

use sqlx::{PgPool, SqlitePool};

use crate::{
    Access, StoreError, StoreUrl,
    sql::{Row, Statement, Tx, patiently, sql},
};

#[derive(Debug)]
pub(crate) struct Backend {
    /// Without credentials.
    shown: String,
    access: Access,
    pools: Pools,
}

#[derive(Debug)]
enum Pools {
    Postgres(PgPool),
    Sqlite {
        reader: SqlitePool,
        /// One connection that stays: it is told when others changed something.
        watcher: SqlitePool,
        /// One connection: SQLite has one writer. `None` when read-only.
        writer: Option<SqlitePool>,
        /// Held as long as the store is open for writing.
        lock: Mutex<Option<File>>,
    },
}

impl Backend {
    pub(crate) async fn open(url: &StoreUrl, access: Access) -> Result<Self, StoreError> {
        let pools = match url {
            StoreUrl::Postgres(text) => Pools::Postgres(postgres::open(url, text, access).await?),
            StoreUrl::Sqlite(path) => sqlite::open(url, path, access).await?,
        };
        let backend = Self { shown: url.to_string(), access, pools };
        if let Err(error) = schema::check(&backend).await {
            backend.close().await;
            return Err(match error {
                // No answer to the very first question: this is no store, or not for us.
                StoreError::Database(error) => backend.unreachable(&error),
                error => error,
            });
        }
        Ok(backend)
    }

    /// Whether processes elsewhere may write too.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.pools, Pools::Postgres(_))
    }

    /// A transaction that may write, alone where the dialect has one writer.
    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        if self.access == Access::ReadOnly {
            return Err(StoreError::ReadOnly);
        }
        self.begin(async {
            match &self.pools {
                Pools::Postgres(pool) => pool.begin().await.map(Tx::Postgres),
                Pools::Sqlite { writer, .. } => {
                    let pool = writer.as_ref().ok_or(sqlx::Error::PoolClosed)?;
                    pool.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite)
                }
            }
        })
        .await
    }

    /// A transaction that sees one moment of the store.
    pub(crate) async fn read(&self) -> Result<Tx, StoreError> {
        self.begin(async {
            match &self.pools {
                Pools::Postgres(pool) => {
                    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                    pool.begin_with(begin).await.map(Tx::Postgres)
                }
                Pools::Sqlite { reader, .. } => reader.begin().await.map(Tx::Sqlite),
            }
        })
        .await
    }

    async fn begin(
        &self,
        begun: impl Future<Output = Result<Tx, sqlx::Error>>,
    ) -> Result<Tx, StoreError> {
        patiently(begun).await.map_err(|error| match error {
            StoreError::Database(error) => self.unreachable(&error),
            error => error,
        })
    }

    /// A text that is another as soon as anything was committed since. Not the other way round:
    /// it may change although nothing did.
    pub(crate) async fn stamp(&self) -> Result<String, StoreError> {
        match &self.pools {
            Pools::Postgres(_) => {
                let select = sql("SELECT CAST(pg_current_snapshot() AS TEXT)");
                self.first(select).await?.map_or(Ok(String::new()), |row| row.text(0))
            }
            Pools::Sqlite { watcher, .. } => {
                let asked = sqlx::query_scalar::<_, i64>("PRAGMA data_version");
                Ok(patiently(asked.fetch_one(watcher)).await?.to_string())
            }
        }
    }

    pub(crate) async fn fetch(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        self.read().await?.fetch(statement).await
    }

    pub(crate) async fn first(&self, statement: Statement) -> Result<Option<Row>, StoreError> {
        self.read().await?.first(statement).await
    }

    /// One statement as one transaction.
    pub(crate) async fn run(&self, statement: Statement) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let affected = tx.run(statement).await?;
        tx.commit().await?;
        Ok(affected)
    }

    pub(crate) async fn close(&self) {
        match &self.pools {
            Pools::Postgres(pool) => pool.close().await,
            Pools::Sqlite { reader, watcher, writer, lock } => {
                // Readers first: the last connection to go folds the write-ahead log.
                reader.close().await;
                watcher.close().await;
                if let Some(writer) = writer {
                    writer.close().await;
                }
                drop(lock.lock().unwrap_or_else(PoisonError::into_inner).take());
            }
        }
    }

    fn unreachable(&self, error: &sqlx::Error) -> StoreError {
        StoreError::Unreachable { url: self.shown.clone(), problem: problem(error) }
    }
}

/// What went wrong, in one line without the library's own preface.
fn problem(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::PoolTimedOut => "no connection became free in time".to_owned(),
        error => error.to_string(),
    }
}
