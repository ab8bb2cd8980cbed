//! A transaction of either dialect.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, Postgres, Sqlite, Transaction,
    postgres::PgConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteConnection},
};

use super::{Dialect, Row, Statement, Value, rows::Column};
use crate::StoreError;

/// A statement that takes longer has lost its server.
const PATIENCE: Duration = Duration::from_secs(60);

/// Rolled back unless committed.
#[derive(Debug)]
pub(crate) enum Tx {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, Sqlite>),
}

impl Tx {
    /// Rows affected.
    pub(crate) async fn run(&mut self, statement: Statement) -> Result<u64, StoreError> {
        patiently(async {
            Ok(match self {
                Self::Postgres(tx) => {
                    let connection: &mut PgConnection = tx;
                    postgres(statement).execute(connection).await?.rows_affected()
                }
                Self::Sqlite(tx) => {
                    let connection: &mut SqliteConnection = tx;
                    sqlite(statement).execute(connection).await?.rows_affected()
                }
            })
        })
        .await
    }

    pub(crate) async fn fetch(&mut self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        patiently(async {
            Ok(match self {
                Self::Postgres(tx) => {
                    let connection: &mut PgConnection = tx;
                    let rows = postgres(statement).fetch_all(connection).await?;
                    rows.into_iter().map(Row::Postgres).collect()
                }
                Self::Sqlite(tx) => {
                    let connection: &mut SqliteConnection = tx;
                    let rows = sqlite(statement).fetch_all(connection).await?;
                    rows.into_iter().map(Row::Sqlite).collect()
                }
            })
        })
        .await
    }

    pub(crate) async fn first(&mut self, statement: Statement) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(statement).await?.into_iter().next())
    }

    /// Runs a text only Postgres has; SQLite's single writer needs no table locks.
    pub(crate) async fn lock_table(&mut self, text: &'static str) -> Result<(), StoreError> {
        if let Self::Postgres(_) = self {
            self.run(super::sql(text)).await?;
        }
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        patiently(async {
            match self {
                Self::Postgres(tx) => tx.commit().await,
                Self::Sqlite(tx) => tx.commit().await,
            }
        })
        .await
    }
}

/// Waits for the server, but not for ever.
pub(crate) async fn patiently<T>(
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(StoreError::Database(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            "no answer within 60 s",
        )))),
    }
}

fn postgres(statement: Statement) -> Query<'static, Postgres, sqlx::postgres::PgArguments> {
    let mut query = sqlx::query(AssertSqlSafe(statement.render(Dialect::Postgres)));
    for value in statement.values {
        query = match value {
            Value::Int(int) => query.bind(int),
            Value::Text(text) => query.bind(text),
            Value::Bytes(bytes) => query.bind(bytes),
        };
    }
    for column in statement.rows.into_iter().flat_map(super::Rows::into_columns) {
        query = match column {
            Column::Int(values) => query.bind(values),
            Column::Text(values) => query.bind(values),
            Column::Bytes(values) => query.bind(values),
        };
    }
    query
}

fn sqlite(statement: Statement) -> Query<'static, Sqlite, SqliteArguments> {
    let mut query = sqlx::query(AssertSqlSafe(statement.render(Dialect::Sqlite)));
    for value in statement.values {
        query = match value {
            Value::Int(int) => query.bind(int),
            Value::Text(text) => query.bind(text),
            Value::Bytes(bytes) => query.bind(bytes),
        };
    }
    if let Some(rows) = statement.rows {
        let packed = rows.pack();
        query = query.bind(packed.json);
        if let Some(blob) = packed.blob {
            query = query.bind(blob);
        }
    }
    query
}
