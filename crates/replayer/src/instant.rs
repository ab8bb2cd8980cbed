//! The wall clock, for the times that travel.

use std::time::{SystemTime, UNIX_EPOCH};

use exchange::Micros;

pub(crate) fn now_micros() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX)
}
