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
//! - SQLite has one writing connection of one process; reading never waits for it.
//! - Statements are written once for both dialects (`sql`), so that they cannot drift apart.

mod access;
mod backend;
mod error;
mod evidence;
mod facts;
mod fixes;
mod fold;
mod funnel;
mod gate;
mod kept_rows;
mod members;
mod model;
mod read;
mod rechecks;
mod record;
mod remembered;
mod reset;
mod rules;
mod said;
mod settings;
mod settled;
mod share;
mod sql;
mod tally;
mod url;
pub mod view;
mod write;

use std::sync::Arc;

use backend::Backend;

pub use access::{AuditEntry, AuditQuery, AuditRow, Login, LoginRow, Throttle, TokenRow, UserRow};
pub use error::StoreError;
pub use facts::FactRow;
pub use fixes::FixRow;
pub use kept_rows::{ConditionCount, FeatureRow, JudgedRow, RowKey};
pub use model::{ANALYSED_SETTING, ClusterShare, ModelRow, Publication, SignatureVerdict};
pub use read::{
    AcceptanceRow, Activity, CheckCount, ClusterCount, ClusterPage, ClusterQuery, ClusterRow,
    ClusterState, EndpointRow, FunnelCounts, Histogram, OutcomeCount, Page, ParkedRow, RatioCount,
    SampleHead, SampleQuery, SampleRow, SignatureCount, StratumCount, TrendCount, VersionRow,
};
pub use rechecks::{
    RecheckCount, RecheckItem, RecheckResult, RecheckRow, RecheckState, RecheckSubject,
    RecheckVerdict,
};
pub use record::{
    Checked, Compared, Fate, KeptRow, Outcome, Record, RecordItem, Recorded, Sample, SampleSlot,
    SignatureRow, Stratum, Versus, Watched,
};
pub use remembered::{MemoryQuery, MemoryRow};
pub use reset::{RESETS_SETTING, Reset, WasReset};
pub use rules::{OverruledRow, RuleRow, RuleText};
pub use said::{ChangeRow, Said, Undo};
pub use share::Share;
pub use url::{StoreUrl, StoreUrlError};

/// Stable hash of `METHOD template` (see `cluster::EndpointId`), as a database key.
pub type EndpointKey = i64;
/// Stable, versioned hash of a signature's places.
pub type SignatureKey = i64;

/// An open store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Arc<Backend>,
}

/// What a process does with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Migrates to this build's schema first.
    ReadWrite,
    /// Never migrates; may open SQLite beside the process that writes it.
    ReadOnly,
    /// As [`Self::ReadOnly`], and may write rows that no other process holds in memory: users,
    /// tokens, the audit.
    Beside,
}

impl Store {
    /// Connects, within 5 s or with one clear line, and checks the schema.
    pub async fn open(url: &StoreUrl, access: Access) -> Result<Self, StoreError> {
        Ok(Self { backend: Arc::new(Backend::open(url, access).await?) })
    }

    /// Whether the store answers now.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.backend.fetch(sql::sql("SELECT 1")).await.map(drop)
    }

    /// A text that is another as soon as anything was committed since, by any process.
    pub async fn stamp(&self) -> Result<String, StoreError> {
        self.backend.stamp().await
    }

    /// Closes every connection, of clones too.
    pub async fn close(self) {
        self.backend.close().await;
    }
}
