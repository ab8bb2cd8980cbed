//! Small commands from the web role to every process: pause, resume. Best effort; the desired
//! state lives in the store and is sent again at every heartbeat.

use bytes::Bytes;

#[derive(Clone, Debug)]
pub struct Control {}

impl Control {
    /// To every process that listens now (fanout `PREFIX.control.v1`).
    pub async fn send(&self, command: Bytes) {
        let _ = command;
        unimplemented!()
    }

    #[must_use]
    pub fn listen(&self) -> ControlEvents {
        unimplemented!()
    }
}

#[derive(Debug)]
pub struct ControlEvents {}

impl ControlEvents {
    /// The next command; `None` when the queue was closed.
    pub async fn next(&mut self) -> Option<Bytes> {
        unimplemented!()
    }
}
