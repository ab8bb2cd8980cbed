//! The vocabulary of the tests.
//!
//! - A [`Service`] is a recording HTTP service: it remembers every request and answers by a
//!   function of it. One plays the primary, one the candidate.
//! - A [`Layout`] is how Understudy is started: `Embedded` is `understudy up` on its own disk and
//!   SQLite; `Servers` is the four roles as four processes on RabbitMQ and Postgres.
//! - A [`System`] is a started Understudy between two services. It can be asked for its funnel,
//!   told to wait until everything is settled, and have its processes killed and started again.
//! - A [`Browser`] is headless Chromium: it opens pages, runs scripts in them, and can be asked
//!   whether a page is calm (nothing of strangers ran, nothing scrolls sideways).
//! - A [`Relay`] stands before a server and cuts its connections on command, as a restart does.
//! - [`each_layout`] runs a test on both layouts; `Servers` is skipped, loudly, where the
//!   environment names no servers.
//!
//! Systems run one at a time: two cores do not stretch to more without making time a factor.

mod browser;
mod layout;
mod process;
mod relay;
mod service;
mod system;

pub(crate) use browser::Browser;
pub(crate) use layout::{Layout, each_layout};
pub(crate) use process::{Ended, Process, binary, understudy};
pub(crate) use relay::Relay;
pub(crate) use service::{Reply, Seen, Service};
pub(crate) use system::{Roles, System};

use std::{
    collections::BTreeSet,
    sync::Mutex,
    time::{Duration, Instant},
};

/// Asks again until `done`, at most `limit`; then fails with what was waited for.
pub(crate) async fn until<F: AsyncFnMut() -> bool>(what: &str, limit: Duration, mut done: F) {
    let end = Instant::now() + limit;
    while !done().await {
        assert!(Instant::now() < end, "waited {limit:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Writes a fresh key file that only its owner may read.
pub(crate) fn key_file(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, exchange::seal::Keyring::generate_text()).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A port of loopback that was free a moment ago; never the same one twice.
pub(crate) fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        if GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}
