//! Keep what was learnt: counters, samples, clusters, the model, settled numbers.
//!
//! Postgres or SQLite behind one [`Store`]; callers never learn which. Both run the same
//! contract suite.
//!
//! Invariants:
//! - **Exactly once**: [`Store::record`] is one transaction; an item whose number is already
//!   settled changes nothing.
//! - **Bounded**: storage grows with endpoints, signatures and clusters, not with traffic.
//! - Every figure of the funnel is a count of its own; none is obtained by subtraction.
//! - Originals are opaque sealed bytes; views are already redacted by the caller.
//! - Times are microseconds since the Unix epoch in both dialects; documents are JSON text.
//! - SQLite has one writer task; reading never waits for it.

mod model;
mod read;
mod record;
mod url;
pub mod view;

pub use model::{ModelRow, SignatureVerdict};
pub use read::{
    ClusterCount, ClusterPage, ClusterQuery, ClusterRow, ClusterState, EndpointRow, FunnelCounts,
    Histogram, OutcomeCount, Page, ParkedRow, SampleQuery, SampleRow, SignatureCount, VersionRow,
};
pub use record::{
    Compared, Fate, Outcome, Record, RecordItem, Recorded, Sample, SampleSlot, SignatureRow, Versus,
};
pub use url::{StoreUrl, StoreUrlError};

/// Stable hash of `METHOD template` (see `cluster::EndpointId`), as a database key.
pub type EndpointKey = i64;
/// Stable, versioned hash of a signature's places.
pub type SignatureKey = i64;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store at {url} cannot be reached: {problem}")]
    Unreachable { url: String, problem: String },
    #[error("the store at {url} has schema {found}, this build needs {needed}: {advice}")]
    Schema { url: String, found: i64, needed: i64, advice: &'static str },
    #[error("{0} is in use by another process; separate roles need a postgres:// store")]
    Locked(std::path::PathBuf),
    #[error("the store answered with an error: {0}")]
    Database(#[from] sqlx::Error),
    #[error("stored data is not what this build wrote: {0}")]
    Corrupt(String),
}

/// An open store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {}

/// What a process does with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Migrates to this build's schema first.
    ReadWrite,
    /// Never migrates; may open SQLite beside the process that writes it.
    ReadOnly,
}

impl Store {
    pub async fn open(url: &StoreUrl, access: Access) -> Result<Self, StoreError> {
        let _ = (url, access);
        unimplemented!()
    }

    /// Whether the store answers now.
    pub async fn ping(&self) -> Result<(), StoreError> {
        unimplemented!()
    }

    pub async fn close(self) {
        unimplemented!()
    }

    /// Records one batch of settled exchanges in one transaction.
    pub async fn record(&self, record: &Record) -> Result<Recorded, StoreError> {
        let _ = record;
        unimplemented!()
    }

    /// Notes that these writes are about to be sent; `true` per number that was not noted before.
    /// Committed when this returns.
    pub async fn begin_writes(
        &self,
        numbers: &[exchange::Number],
    ) -> Result<Vec<bool>, StoreError> {
        let _ = numbers;
        unimplemented!()
    }

    /// Takes or renews a named lease; `true` if `owner` holds it for `ttl` from now.
    pub async fn lease(
        &self,
        name: &str,
        owner: uuid::Uuid,
        ttl: std::time::Duration,
    ) -> Result<bool, StoreError> {
        let _ = (name, owner, ttl);
        unimplemented!()
    }

    /// Small durable settings by name (desired pause state, announced versions, …).
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let _ = name;
        unimplemented!()
    }

    pub async fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let _ = (name, value);
        unimplemented!()
    }
}
