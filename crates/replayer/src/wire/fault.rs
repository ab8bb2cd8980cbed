//! What can go wrong on a connection, in the words of the funnel.

use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use exchange::NoAnswerReason;
use http_body_util::Full;
use hyper::client::conn::TrySendError;
use tokio::sync::Notify;

pub(super) enum Fault {
    /// No byte of the request left.
    NotSent(String),
    /// Closed before the head of an answer.
    Closed(String),
    NoAnswer(NoAnswerReason, String),
}

impl Fault {
    pub(super) fn timeout(limit: Duration) -> Self {
        let detail = format!("no whole answer within {} ms", limit.as_millis());
        Self::NoAnswer(NoAnswerReason::Timeout, detail)
    }

    pub(super) fn too_large(most: u64) -> Self {
        let detail = format!("the body is larger than {most} bytes");
        Self::NoAnswer(NoAnswerReason::TooLarge, detail)
    }

    pub(super) fn malformed(what: &str) -> Self {
        Self::NoAnswer(NoAnswerReason::Malformed, what.to_owned())
    }

    pub(super) fn unsendable(detail: String) -> Self {
        Self::NoAnswer(NoAnswerReason::Unsendable, detail)
    }

    pub(super) fn flood(most: u32) -> Self {
        Self::malformed(&format!("more than {most} informational responses before the answer"))
    }
}

/// Sorts an error that came before the head of the answer.
pub(super) fn before_head(failed: TrySendError<hyper::Request<Full<Bytes>>>) -> Fault {
    let mut failed = failed;
    let unsent = failed.take_message().is_some();
    let error = failed.into_error();
    let detail = describe(&error);
    if unsent {
        Fault::NotSent(detail)
    } else if error.is_parse() {
        Fault::NoAnswer(NoAnswerReason::Malformed, detail)
    } else if error.is_user() {
        Fault::NoAnswer(NoAnswerReason::Unsendable, detail)
    } else {
        Fault::Closed(detail)
    }
}

/// Sorts an error within the body.
pub(super) fn within_body(error: &hyper::Error) -> Fault {
    let detail = describe(error);
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    match io.map(io::Error::kind) {
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => {
            Fault::NoAnswer(NoAnswerReason::Malformed, detail)
        }
        _ if error.is_parse() => Fault::NoAnswer(NoAnswerReason::Malformed, detail),
        _ => Fault::NoAnswer(NoAnswerReason::Broken, detail),
    }
}

/// The error with its causes on one line; these hold no part of a message.
fn describe(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Resolves when more than `most` informational responses came for the request.
pub(super) fn watch_informational(
    request: &mut hyper::Request<Full<Bytes>>,
    most: u32,
) -> FloodWatch {
    let notify = Arc::new(Notify::new());
    let told = Arc::clone(&notify);
    let count = AtomicU32::new(0);
    hyper::ext::on_informational(request, move |_| {
        if count.fetch_add(1, Ordering::Relaxed) >= most {
            told.notify_one();
        }
    });
    FloodWatch { notify }
}

pub(super) struct FloodWatch {
    notify: Arc<Notify>,
}

impl FloodWatch {
    pub(super) async fn wait(&mut self) {
        self.notify.notified().await;
    }
}
