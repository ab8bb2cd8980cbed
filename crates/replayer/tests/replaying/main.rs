//! The replayer over a disk queue and a SQLite store, with a candidate that remembers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "tests say why they are skipped")]

mod broker;
mod converge;
mod credentials;
mod faults;
mod memory;
mod order;
mod results;
mod scene;
mod settling;
mod side;
mod strangers;
mod tls;
mod writes;

use replayer::ReplayConfig;

use crate::side::Side;

/// For tests: impatient everywhere.
fn config(candidate: &Side) -> ReplayConfig {
    ReplayConfig {
        candidate: candidate.url(),
        timeout_ms: 2_000,
        connect_timeout_ms: 500,
        probe_ms: 50,
        drain_ms: 2_000,
        refusal_wait_ms: 100,
        ..ReplayConfig::default()
    }
}
