//! Requests started per second, at most: each takes the next free instant.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Pace {
    apart: Option<Duration>,
    next: Mutex<Instant>,
}

impl Pace {
    pub(crate) fn new(per_second: Option<f64>) -> Self {
        let apart = per_second.map(|rate| Duration::from_secs_f64(1.0 / rate.max(0.001)));
        Self { apart, next: Mutex::new(Instant::now()) }
    }

    /// Waits for its turn.
    pub(crate) async fn wait(&self) {
        let Some(apart) = self.apart else { return };
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(Instant::now());
            *next = turn + apart;
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn starts_keep_their_distance() {
        let pace = Pace::new(Some(100.0));
        let begun = Instant::now();
        for _ in 0..6 {
            pace.wait().await;
        }
        assert!(begun.elapsed() >= Duration::from_millis(50), "{:?}", begun.elapsed());
    }
}
