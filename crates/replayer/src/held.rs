//! Answers in memory, counted by bytes: above the bound nothing more is sent.

use exchange::{Body, Pair, Response, Settled, Settlement};
use tokio::sync::watch;

#[derive(Debug)]
pub(crate) struct HeldBytes {
    most: usize,
    now: watch::Sender<usize>,
}

impl HeldBytes {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, now: watch::Sender::new(0) }
    }

    /// Waits until less than the bound is held.
    pub(crate) async fn room(&self) {
        // The sender is `self`: this cannot fail.
        let _ = self.now.subscribe().wait_for(|now| *now < self.most).await;
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.now.send_modify(|now| *now = now.saturating_add(bytes));
    }

    pub(crate) fn remove(&self, bytes: usize) {
        self.now.send_modify(|now| *now = now.saturating_sub(bytes));
    }

    pub(crate) fn now(&self) -> usize {
        *self.now.borrow()
    }
}

/// About the size of a settled exchange in a message.
pub(crate) fn size_of(settled: &Settled) -> usize {
    const FRAME: usize = 64;
    match &settled.settlement {
        Settlement::Replayed(pair) => FRAME + size_of_pair(pair),
        Settlement::Skipped { candidate_version, .. } => FRAME + candidate_version.len(),
        Settlement::Parked { detail, sealed, .. } => FRAME + detail.len() + sealed.len(),
    }
}

pub(crate) fn size_of_pair(pair: &Pair) -> usize {
    const FRAME: usize = 256;
    let request = &pair.exchange.request;
    let headers: usize = request.headers.iter().map(|h| h.name.len() + h.value.len() + 4).sum();
    let answers = [Some(&pair.exchange.response), pair.candidate.response()]
        .into_iter()
        .chain([pair.secondary.as_ref().and_then(exchange::Answer::response)]);
    let answers: usize = answers.flatten().map(size_of_response).sum();
    FRAME + request.target.len() + headers + request.body.len() + answers
}

fn size_of_response(response: &Response) -> usize {
    let headers: usize = response.headers.iter().map(|h| h.name.len() + h.value.len() + 4).sum();
    headers
        + match &response.body {
            Body::Whole(bytes) => bytes.len(),
            Body::Digest { .. } => 40,
        }
}
