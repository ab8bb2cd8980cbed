//! Requests started per second, at most: each takes the next free instant.
//!
//! The rate is that of all replayers together: each has as much of it as it has of the partitions.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Pace {
    apart: Option<Duration>,
    turn: Mutex<Turn>,
}

#[derive(Debug)]
struct Turn {
    next: Instant,
    /// Of the whole rate.
    part: f64,
}

impl Pace {
    pub(crate) fn new(per_second: Option<f64>) -> Self {
        let apart = per_second.map(|rate| Duration::from_secs_f64(1.0 / rate.max(0.001)));
        Self { apart, turn: Mutex::new(Turn { next: Instant::now(), part: 1.0 }) }
    }

    /// This process has so many of all partitions.
    pub(crate) fn share(&self, mine: usize, all: usize) {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        turn.part = mine.clamp(1, all.max(1)) as f64 / all.max(1) as f64;
    }

    /// Waits for its turn.
    pub(crate) async fn wait(&self) {
        let Some(apart) = self.apart else { return };
        let turn = {
            let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let at = turn.next.max(Instant::now());
            turn.next = at + apart.div_f64(turn.part);
            at
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

    #[tokio::test]
    async fn one_of_two_has_half_the_rate() {
        let pace = Pace::new(Some(200.0));
        pace.share(4, 8);
        let begun = Instant::now();
        for _ in 0..6 {
            pace.wait().await;
        }
        assert!(begun.elapsed() >= Duration::from_millis(50), "{:?}", begun.elapsed());
    }
}
