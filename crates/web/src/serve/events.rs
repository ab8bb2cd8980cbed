//! `GET /api/v1/events`: one stream that says when counters, clusters or exchanges changed.
//!
//! It carries figures, never bodies: a page that hears of a change asks for itself again and takes
//! from it what may change in place. The heartbeat looks once for all streams.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{App, refusal};
use crate::api::ApiError;

/// Streams at one time; a page that gets none asks by itself.
const MOST_STREAMS: usize = 256;
/// A line without meaning, so that proxies leave the stream open.
const QUIET: Duration = Duration::from_secs(15);

/// What a stream tells: the newest figures, as soon as any of them changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct News {
    pub(crate) seen: u64,
    pub(crate) captured: u64,
    pub(crate) compared: u64,
    pub(crate) skipped: u64,
    pub(crate) in_flight: u64,
    pub(crate) paused: bool,
}

/// The one place where news comes from.
#[derive(Debug)]
pub(crate) struct Feed {
    tell: watch::Sender<Arc<News>>,
    streams: Arc<Semaphore>,
    closing: CancellationToken,
}

impl Feed {
    pub(crate) fn until(closing: CancellationToken) -> Self {
        let tell = watch::Sender::new(Arc::default());
        Self { tell, streams: Arc::new(Semaphore::new(MOST_STREAMS)), closing }
    }

    pub(crate) fn say(&self, news: News) {
        self.tell.send_if_modified(|last| {
            let changed = **last != news;
            if changed {
                *last = Arc::new(news);
            }
            changed
        });
    }
}

pub(super) async fn events(State(app): State<App>) -> Response {
    let feed = app.feed();
    let Ok(permit) = Arc::clone(&feed.streams).try_acquire_owned() else {
        let text = format!("{MOST_STREAMS} streams are open; ask for the page again instead");
        return refusal::problem(&ApiError::Request(text), "/api/v1/events");
    };
    let stream = told(feed.tell.subscribe(), feed.closing.clone(), permit);
    Sse::new(stream).keep_alive(KeepAlive::new().interval(QUIET)).into_response()
}

/// The state of now, then each change, until the process ends.
fn told(
    mut news: watch::Receiver<Arc<News>>,
    closing: CancellationToken,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    news.mark_changed();
    stream::unfold((news, closing, permit), |(mut news, closing, permit)| async {
        tokio::select! {
            () = closing.cancelled() => return None,
            changed = news.changed() => changed.ok()?,
        }
        let now = Arc::clone(&news.borrow_and_update());
        let event = Event::default().event("news").json_data(&*now).ok()?;
        Some((Ok(event), (news, closing, permit)))
    })
}
