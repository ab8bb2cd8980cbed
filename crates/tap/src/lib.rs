//! Copy: the sidecar in front of the primary.
//!
//! Invariants:
//! - **Forwards first, copies second, never waits.** Nothing that concerns the copy can delay,
//!   change or fail a user's request: hand-over is a bounded `try_send`, full means counted.
//! - Bytes reach the other side as they came; framing alone is rewritten, never copied.
//! - A record closes exactly once, however its streams end.
//! - Everything held for copies is bounded by bytes.
//! - Ambiguous framing is refused: never a smuggled request.

mod config;

pub use config::{SliceConfig, TapConfig};

use std::sync::Arc;

use exchange::seal::Keyring;
use queue::Queue;
use tokio_util::sync::CancellationToken;

/// What a tap is given. Listeners are bound by the caller (port 0 in tests, passed sockets).
#[derive(Debug)]
pub struct TapInputs {
    pub config: TapConfig,
    pub listener: std::net::TcpListener,
    pub admin: Option<std::net::TcpListener>,
    pub queue: Queue,
    pub spool: queue::spool::SpoolConfig,
    pub keys: Arc<Keyring>,
}

/// Runs until `shutdown`, then stops accepting, finishes what runs (bounded by
/// `config.drain`), confirms or spools what was copied, and returns.
pub async fn run(inputs: TapInputs, shutdown: CancellationToken) -> anyhow::Result<()> {
    let _ = (inputs, shutdown);
    unimplemented!()
}
