//! `amqp://…`, `amqps://…`, `disk:PATH` or `null:`.

use std::path::PathBuf;

#[derive(Clone, PartialEq, Eq)]
pub enum QueueUrl {
    /// Holds credentials: shown only without them.
    Amqp(String),
    Disk(PathBuf),
    /// Packs, seals and discards: for measuring the tap alone.
    Null,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("queue `{shown}`: {problem}; write amqp://HOST, disk:FOLDER or null:")]
pub struct QueueUrlError {
    pub shown: String,
    pub problem: String,
}

impl std::str::FromStr for QueueUrl {
    type Err = QueueUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let _ = text;
        unimplemented!()
    }
}

/// Without user and password.
impl std::fmt::Display for QueueUrl {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        unimplemented!()
    }
}

impl std::fmt::Debug for QueueUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
