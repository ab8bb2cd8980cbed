//! What `user` and `token` share: the store beside whoever runs, and the trace they leave.

use anyhow::Context;
use serde_json::Value;
use store::{Access, AuditEntry, Store, StoreError};

use crate::{cli::AccessStore, config::Settings, open};

/// The store with this build's schema, also while `up` has it.
pub(crate) async fn store(at: &AccessStore) -> anyhow::Result<Store> {
    let settings = Settings::load(&at.sources)?;
    let data = at.data.clone().or_else(|| settings.data.clone());
    let data = data.unwrap_or_else(|| "understudy-data".into());
    let fallback = data.join("store.sqlite");
    let url = open::store_url(at.store.store.as_deref(), &settings, Some(&fallback))?;
    if url == store::StoreUrl::Sqlite(fallback) {
        open::data_folder(&data)?;
    }
    match Store::open(&url, Access::ReadWrite).await {
        // `up` runs, and has migrated it.
        Err(StoreError::Locked(_)) => Ok(Store::open(&url, Access::Beside).await?),
        opened => Ok(opened?),
    }
}

/// Notes what a command changed; whoever can run it reaches the store in any case.
pub(crate) async fn keep_trace(
    store: &Store,
    action: &str,
    subject: &str,
    before: Value,
    after: Value,
) -> anyhow::Result<()> {
    let json = |value: Value| Some(value).filter(|v| !v.is_null()).map(|value| value.to_string());
    let entry = AuditEntry {
        at: now(),
        actor: who(),
        via: "command".to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        before: json(before),
        after: json(after),
        ..AuditEntry::default()
    };
    store.add_audit(&entry).await.context("the audit cannot be written")
}

/// The account of this machine, as it says itself.
pub(crate) fn who() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].into_iter().filter_map(|n| std::env::var(n).ok());
    named.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "command".to_owned())
}

pub(crate) fn now() -> exchange::Micros {
    jiff::Timestamp::now().as_microsecond()
}
