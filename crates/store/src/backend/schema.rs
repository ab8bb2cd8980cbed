//! The schema of this build: embedded migrations, and refusal of what does not fit.

use std::sync::LazyLock;

use rust_embed::RustEmbed;
use sqlx::{
    AssertSqlSafe, SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{Backend, Pools};
use crate::{Access, StoreError, sql::sql};

// Not by the macro of sqlx: it would build all of sqlx a second time, for the compiler's sake.
#[derive(RustEmbed)]
#[folder = "../../migrations/postgres"]
struct PostgresFiles;

#[derive(RustEmbed)]
#[folder = "../../migrations/sqlite"]
struct SqliteFiles;

static POSTGRES: LazyLock<Migrator> = LazyLock::new(migrator::<PostgresFiles>);
static SQLITE: LazyLock<Migrator> = LazyLock::new(migrator::<SqliteFiles>);

/// The migrations in files named `0007_what_it_is.sql`.
fn migrator<Files: RustEmbed>() -> Migrator {
    let read = |name: &str| {
        let (version, what) = name.strip_suffix(".sql")?.split_once('_')?;
        let text = String::from_utf8(Files::get(name)?.data.into_owned()).ok()?;
        let (version, what) = (version.parse().ok()?, what.replace('_', " "));
        let text = AssertSqlSafe(text).into_sql_str();
        Some(Migration::new(version, what.into(), MigrationType::Simple, text, false))
    };
    Migrator::with_migrations(Files::iter().filter_map(|name| read(&name)).collect())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_migration_and_both_backends_have_the_same() {
        let told = |migrator: &Migrator| -> Vec<(i64, String)> {
            migrator.iter().map(|one| (one.version, one.description.to_string())).collect()
        };
        let (postgres, sqlite) = (told(&POSTGRES), told(&SQLITE));
        assert_eq!(postgres, sqlite);
        assert_eq!(postgres.len(), PostgresFiles::iter().count());
        assert_eq!(sqlite.len(), SqliteFiles::iter().count());
        let versions: Vec<i64> = postgres.iter().map(|(version, _)| *version).collect();
        assert_eq!(versions, (1..=postgres.len() as i64).collect::<Vec<_>>());
        assert_eq!(postgres[0].1, "first");
    }
}
