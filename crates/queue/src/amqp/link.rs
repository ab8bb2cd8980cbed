//! Keeps one connection up for as long as the queue is open.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::dial::{Dial, LOOK_EVERY, Session};
use crate::QueueError;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Dropped, it hangs up.
#[derive(Debug)]
pub(super) struct Link {
    state: watch::Receiver<State>,
    redial: Arc<Notify>,
    stop: CancellationToken,
}

#[derive(Clone, Debug)]
pub(super) enum State {
    /// The first attempt runs.
    Dialling,
    Down(QueueError),
    Up(Arc<Session>),
    Closed,
}

impl Link {
    pub(super) fn keep_up(dial: Dial) -> Self {
        let (tell, state) = watch::channel(State::Dialling);
        let redial = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        tokio::spawn(keep_up(dial, tell, Arc::clone(&redial), stop.clone()));
        Self { state, redial, stop }
    }

    pub(super) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// `None` while there is none.
    pub(super) fn session_now(&self) -> Option<Arc<Session>> {
        match &*self.state.borrow() {
            State::Up(session) if session.alive() => Some(Arc::clone(session)),
            _ => None,
        }
    }

    /// Waits for a session; `None` when the link was closed.
    pub(super) async fn session(&self) -> Option<Arc<Session>> {
        let mut state = self.state.clone();
        let settled = |state: &State| match state {
            State::Up(session) => session.alive(),
            State::Closed => true,
            State::Dialling | State::Down(_) => false,
        };
        match &*state.wait_for(settled).await.ok()? {
            State::Up(session) => Some(Arc::clone(session)),
            _ => None,
        }
    }

    /// The outcome of the first attempt.
    pub(super) async fn first(&self) -> Result<(), QueueError> {
        let mut state = self.state.clone();
        match state.wait_for(|state| !matches!(state, State::Dialling)).await.as_deref() {
            Ok(State::Down(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Connects anew: something about this connection is not as it should be.
    pub(super) fn redial(&self) {
        self.redial.notify_one();
    }

    pub(super) async fn close(&self) {
        self.stop.cancel();
        let mut state = self.state.clone();
        let closed = state.wait_for(|state| matches!(state, State::Closed));
        let _ = tokio::time::timeout(CLOSE_WITHIN + LOOK_EVERY, closed).await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn keep_up(
    dial: Dial,
    tell: watch::Sender<State>,
    redial: Arc<Notify>,
    stop: CancellationToken,
) {
    let (broker, role) = (dial.shown_url().to_owned(), dial.role());
    let mut pause = FIRST_PAUSE;
    let mut told = None;
    let hang_up = async {
        loop {
            match dial.session().await {
                Ok(session) => {
                    tracing::info!(broker, role, "connected to the broker");
                    (pause, told) = (FIRST_PAUSE, None);
                    let session = Arc::new(session);
                    tell.send_replace(State::Up(Arc::clone(&session)));
                    lost(&session, &redial).await;
                    tracing::warn!(broker, role, "the connection to the broker is lost");
                    let problem = "the connection was lost".to_owned();
                    let url = broker.clone();
                    tell.send_replace(State::Down(QueueError::Unreachable { url, problem }));
                    close(&session).await;
                }
                Err(error) => {
                    tell.send_replace(State::Down(error.clone()));
                    // Logged after the pause: who opened the queue strictly has been given the
                    // error and has hung up by then.
                    tokio::time::sleep(pause).await;
                    if told.as_ref() != Some(&error) {
                        tracing::warn!(role, %error, "not connected; trying on");
                        told = Some(error);
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    continue;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = hang_up => {}
    }
    if let State::Up(session) = tell.send_replace(State::Closed) {
        close(&session).await;
    }
}

/// Resolves when the session is of no use any more.
async fn lost(session: &Session, redial: &Notify) {
    let mut events = Box::pin(session.connection.events_listener());
    while session.alive() {
        tokio::select! {
            () = redial.notified() => return,
            event = events.next() => if event.is_none() { return },
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn close(session: &Session) {
    let closing = session.connection.close(200, "done".into());
    let _ = tokio::time::timeout(CLOSE_WITHIN, closing).await;
}
