//! Compare and learn: pairs to verdicts to the store.
//!
//! Invariants:
//! - A message is acknowledged only after its record is committed; recording is idempotent.
//! - A pair that panics three times is parked with its reason; the rest of its batch goes on.
//! - Comparators only diff and record. One analyst (a lease in the store) learns.
//! - Nothing of a stranger's body reaches a log.

mod config;

pub use config::{CompareConfig, RouteRules};

use std::sync::Arc;

use exchange::{redact::RedactConfig, seal::Keyring};
use queue::Queue;
use store::Store;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub struct CompareInputs {
    pub config: CompareConfig,
    pub redact: RedactConfig,
    pub queue: Queue,
    pub store: Store,
    pub keys: Arc<Keyring>,
    pub admin: Option<std::net::TcpListener>,
}

/// Compares until `shutdown`; also runs the analyst while it holds its lease.
pub async fn run(inputs: CompareInputs, shutdown: CancellationToken) -> anyhow::Result<()> {
    let _ = (inputs, shutdown);
    unimplemented!()
}
