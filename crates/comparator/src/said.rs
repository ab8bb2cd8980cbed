//! What users said, as the analyst publishes it with the next model.

use anyhow::Context as _;
use cluster::{EndpointId, Overruled, StoredRule};
use store::{OverruledRow, RuleRow, Store};

/// Rules of the store that are in force, and overruled places.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) rules: Vec<StoredRule>,
    pub(crate) overruled: Vec<Overruled>,
}

impl Said {
    pub(crate) async fn read(store: &Store) -> anyhow::Result<Self> {
        let rules = store.rules_in_force().await.context("reading saved rules")?;
        let overruled = store.overruled().await.context("reading overruled places")?;
        Ok(Self {
            rules: rules.iter().filter_map(rule).collect(),
            overruled: overruled.iter().filter_map(overruling).collect(),
        })
    }
}

/// A saved rule as a model holds it; one that this build cannot read is passed over.
pub(crate) fn rule(row: &RuleRow) -> Option<StoredRule> {
    let rule = serde_json::from_str(&row.text.doc)
        .inspect_err(|error| tracing::warn!(rule.id = row.id, %error, "a rule does not read"))
        .ok()?;
    Some(StoredRule { id: row.id, reason: row.text.reason.clone(), rule })
}

fn overruling(row: &OverruledRow) -> Option<Overruled> {
    let word = |text: &str| serde_json::Value::String(text.to_owned());
    let read = || -> Result<Overruled, serde_json::Error> {
        Ok(Overruled {
            endpoint: EndpointId(row.endpoint),
            place: serde_json::from_value(word(&row.place))?,
            path: row.path.clone(),
            covers: serde_json::from_value(word(&row.covers))?,
            says: serde_json::from_value(word(&row.says))?,
            reason: row.reason.clone(),
        })
    };
    read()
        .inspect_err(|error| tracing::warn!(%error, "a word on a volatile place does not read"))
        .ok()
}
