//! Small commands from the web role to every process: pause, resume. Best effort; the desired
//! state lives in the store and is sent again at every heartbeat.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::amqp::Amqp;

/// Commands that a slow listener may be behind before it misses some.
const BACKLOG: usize = 256;

#[derive(Clone, Debug)]
pub struct Control {
    events: broadcast::Sender<Bytes>,
    /// Carries commands to all processes; none where there is only this one.
    broker: Option<Weak<Amqp>>,
    closed: CancellationToken,
}

impl Control {
    pub(crate) fn within_process(closed: CancellationToken) -> Self {
        Self { events: broadcast::Sender::new(BACKLOG), broker: None, closed }
    }

    pub(crate) fn over(amqp: &Arc<Amqp>, closed: CancellationToken) -> Self {
        Self { events: amqp.commands(), broker: Some(Arc::downgrade(amqp)), closed }
    }

    /// To every process that listens now (fanout `PREFIX.control.v1`).
    pub async fn send(&self, command: Bytes) {
        match &self.broker {
            None => {
                let _ = self.events.send(command);
            }
            Some(broker) => {
                if let Some(broker) = broker.upgrade() {
                    broker.send_command(&command).await;
                }
            }
        }
    }

    #[must_use]
    pub fn listen(&self) -> ControlEvents {
        ControlEvents { events: self.events.subscribe(), closed: self.closed.clone() }
    }
}

#[derive(Debug)]
pub struct ControlEvents {
    events: broadcast::Receiver<Bytes>,
    closed: CancellationToken,
}

impl ControlEvents {
    /// The next command; `None` when the queue was closed. Cancel-safe.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Ok(command) => return Some(command),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
                () = self.closed.cancelled() => return None,
            }
        }
    }
}
