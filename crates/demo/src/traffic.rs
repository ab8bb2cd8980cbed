//! Clerks at work: seeded, concurrent sessions against the primary's address.

mod script;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use futures_util::future::join_all;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Book;
use script::{Desk, Lane, Step};

const TIMEOUT: Duration = Duration::from_secs(10);

/// What to send, and how fast.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// `http://127.0.0.1:8000`
    pub base_url: String,
    /// The same seed sends the same requests.
    pub seed: u64,
    /// Requests per second over all lanes; at least one in a hundred seconds.
    pub rate: f64,
    /// Ends after so many requests; `None` goes on until stopped.
    pub requests: Option<u64>,
    /// Lanes that send at once, each one session after the other.
    pub lanes: u64,
    /// Clerks go on with what they submitted, and with what others did.
    pub follow_up: bool,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            base_url: "http://127.0.0.1:8000".to_owned(),
            seed: 7,
            rate: 150.0,
            requests: None,
            lanes: 16,
            follow_up: false,
        }
    }
}

/// What became of the requests so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub answered: u64,
    /// No answer: refused, broken off or too late.
    pub failed: u64,
}

/// Sends until `requests` were sent or `stop`, and tells `progress` after each answer.
///
/// Request number `n` belongs to lane `n % lanes` and is due at `n / rate` seconds. A lane sends
/// one at a time and in order; one that is late catches up, so the set of requests depends on
/// the seed and the number alone.
pub async fn traffic(
    plan: Traffic,
    stop: CancellationToken,
    progress: impl Fn(Sent) + Sync,
) -> anyhow::Result<Sent> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()
        .context("setting up the demo's traffic")?;
    let sender = Sender {
        client,
        plan: &plan,
        started: Instant::now(),
        stop: &stop,
        answered: AtomicU64::new(0),
        failed: AtomicU64::new(0),
        progress: &progress,
    };
    let (book, desk) = (Arc::new(Book::standard()), Arc::<Desk>::default());
    let lanes = (0..plan.lanes.max(1)).map(|lane| {
        let script = Lane::new(Arc::clone(&book), Arc::clone(&desk), plan.seed, lane);
        sender.run(lane, script)
    });
    join_all(lanes).await;
    Ok(sender.sent())
}

struct Sender<'a, P> {
    client: reqwest::Client,
    plan: &'a Traffic,
    started: Instant,
    stop: &'a CancellationToken,
    answered: AtomicU64,
    failed: AtomicU64,
    progress: &'a P,
}

impl<P: Fn(Sent) + Sync> Sender<'_, P> {
    async fn run(&self, lane: u64, mut script: Lane) {
        let mut number = lane;
        while self.plan.requests.is_none_or(|requests| number < requests) {
            let due = Duration::from_secs_f64(number as f64 / self.plan.rate.max(0.01));
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep_until(self.started + due) => {}
            }
            let step = script.next_step();
            let follow_up = self.plan.follow_up && step.body.is_some();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                answer = self.send(step) => {
                    let counter = if answer.is_some() { &self.answered } else { &self.failed };
                    counter.fetch_add(1, Ordering::Relaxed);
                    if let Some(body) = answer.filter(|_| follow_up) {
                        script.submitted(&body);
                    }
                }
            }
            (self.progress)(self.sent());
            number += self.plan.lanes.max(1);
        }
    }

    /// The answer's body, where there was an answer.
    async fn send(&self, step: Step) -> Option<Vec<u8>> {
        let url = format!("{}{}", self.plan.base_url.trim_end_matches('/'), step.target);
        let request = match step.body {
            Some(body) => {
                self.client.post(url).header("content-type", "application/json").body(body)
            }
            None => self.client.get(url),
        };
        let request = request
            .header("accept", "application/json")
            .header("user-agent", "approval-desk/4.1")
            .header("x-session-id", step.session)
            .header("x-correlation-id", step.correlation)
            .header("authorization", format!("Bearer {}", step.token));
        let response = request.send().await.ok()?;
        response.bytes().await.ok().map(|body| body.to_vec())
    }

    fn sent(&self) -> Sent {
        Sent {
            answered: self.answered.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests;
