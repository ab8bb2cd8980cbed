//! The schema of this build: embedded migrations, and refusal of what does not fit.

use sqlx::migrate::{MigrateError, Migrator};

use super::{Backend, Pools};
use crate::{Access, StoreError, sql::sql};

static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");
static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// Brings the store to this build's schema where it may, and refuses it where it is another.
pub(super) async fn check(backend: &Backend) -> Result<(), StoreError> {
    let needed = newest(match backend.pools {
        Pools::Postgres(_) => &POSTGRES,
        Pools::Sqlite { .. } => &SQLITE,
    });
    let found = found(backend).await?;
    let refused = |advice| StoreError::Schema { url: backend.shown.clone(), found, needed, advice };
    if found > needed {
        return Err(refused("a newer build has used it; use that build"));
    }
    match backend.access {
        Access::ReadWrite => migrate(backend).await,
        Access::ReadOnly | Access::Beside if found < needed => {
            Err(refused("run `understudy migrate`, or start a role that writes to it"))
        }
        Access::ReadOnly | Access::Beside => Ok(()),
    }
}

/// Checks what is applied and applies what is not. Postgres: under an advisory lock, so that
/// processes that start together wait for each other.
async fn migrate(backend: &Backend) -> Result<(), StoreError> {
    let done = match &backend.pools {
        Pools::Postgres(pool) => POSTGRES.run(pool).await,
        Pools::Sqlite { writer: Some(pool), .. } => SQLITE.run(pool).await,
        Pools::Sqlite { writer: None, .. } => return Err(StoreError::ReadOnly),
    };
    done.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            StoreError::Database(error)
        }
        error => StoreError::Corrupt(error.to_string()),
    })
}

fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// The newest migration applied; 0 for an empty database.
async fn found(backend: &Backend) -> Result<i64, StoreError> {
    let known = match backend.pools {
        Pools::Postgres(_) => {
            "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_class \
             WHERE oid = to_regclass('_sqlx_migrations')"
        }
        Pools::Sqlite { .. } => {
            "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'"
        }
    };
    let mut tx = backend.read().await?;
    let known = tx.first(sql(known)).await?;
    if known.map(|row| row.int(0)).transpose()?.unwrap_or(0) == 0 {
        return Ok(0);
    }
    let newest = sql("SELECT MAX(version) FROM _sqlx_migrations WHERE success");
    match tx.first(newest).await? {
        Some(row) => Ok(row.optional_int(0)?.unwrap_or(0)),
        None => Ok(0),
    }
}
