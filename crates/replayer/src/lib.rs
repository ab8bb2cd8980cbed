//! Run: sends the copies to the candidate.
//!
//! Invariants:
//! - Connects to the configured origins and to nothing else; follows no redirect, uses no proxy
//!   of the environment.
//! - Completion order within a session, concurrent across sessions.
//! - An unsafe request is sent at most once: its number is committed before it is sent.
//! - Whatever the candidate does is a result; a message is acknowledged when each of its
//!   exchanges is settled downstream.

mod config;

pub use config::ReplayConfig;

use std::sync::Arc;

use exchange::seal::Keyring;
use queue::Queue;
use store::Store;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub struct ReplayInputs {
    pub config: ReplayConfig,
    pub queue: Queue,
    pub store: Store,
    pub keys: Arc<Keyring>,
    pub admin: Option<std::net::TcpListener>,
}

/// Runs until `shutdown`; then what was begun is finished or given back.
pub async fn run(inputs: ReplayInputs, shutdown: CancellationToken) -> anyhow::Result<()> {
    let _ = (inputs, shutdown);
    unimplemented!()
}
