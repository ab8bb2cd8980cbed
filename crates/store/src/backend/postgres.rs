//! Connecting to Postgres.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::problem;
use crate::{Access, StoreError, StoreUrl};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTIONS: u32 = 8;

/// Connects once by itself, so that the first error is the server's own and not the pool's.
pub(super) async fn open(url: &StoreUrl, text: &str, access: Access) -> Result<PgPool, StoreError> {
    let unreachable = |problem| StoreError::Unreachable { url: url.to_string(), problem };
    let mut options = PgConnectOptions::from_str(text)
        .map_err(|error| unreachable(problem(&error)))?
        .application_name("understudy")
        // A process that froze within a transaction must not hold its locks for ever.
        .options([("idle_in_transaction_session_timeout", "60s")])
        .disable_statement_logging();
    if access == Access::ReadOnly {
        options = options.options([("default_transaction_read_only", "on")]);
    }
    match tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await {
        Ok(Ok(connection)) => drop(connection.close().await),
        Ok(Err(error)) => return Err(unreachable(problem(&error))),
        Err(_) => return Err(unreachable("no answer within 5 s".to_owned())),
    }
    Ok(PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_lazy_with(options))
}
