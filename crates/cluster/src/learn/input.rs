//! What one step of learning looks at.

use std::{collections::BTreeMap, sync::Arc};

use diff::Kind;
use exchange::Micros;

use crate::{
    EndpointId, Model, Pins, Place, Signature, ValueClass, Where,
    explain::{Row, Rows},
    maps::ObjectSeen,
};

/// What has been counted and kept so far.
#[expect(missing_debug_implementations, reason = "holds a closure")]
pub struct LearnInput<'a> {
    /// The model in force.
    pub model: &'a Model,
    pub endpoints: &'a [EndpointSeen],
    /// Endpoints that are named by hand.
    pub pins: &'a Pins,
    pub signatures: &'a [SignatureSeen],
    /// Pairs compared with the secondary.
    pub asked: &'a BTreeMap<EndpointId, u64>,
    /// Of matches and mismatches, as many as are kept.
    pub samples: &'a [SampleSeen],
    /// Rows of fields, from which conditions are learnt.
    pub rows: &'a Rows,
    /// Whether a rule of the configuration masks a place at `METHOD template`.
    pub ignored: &'a dyn Fn(&str, &Place) -> bool,
}

/// An endpoint as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSeen {
    pub id: EndpointId,
    pub method: String,
    pub template: String,
    /// Where an earlier model put it.
    pub merged_into: Option<EndpointId>,
}

/// One counter: a signature at the endpoint it was recorded for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureSeen {
    pub id: i64,
    pub endpoint: EndpointId,
    pub signature: Signature,
    pub versus: Versus,
    pub pairs: u64,
    pub first_minute: i64,
}

/// Whose answer was compared with the primary's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versus {
    Candidate,
    /// The candidate, which gave the same answer later.
    Late,
    /// The candidate, where the verdict does not count (the primary failed itself).
    Unjudged,
    Secondary,
    /// The primary's own earlier answer to the same request.
    Earlier,
}

/// What a kept sample shows. What is large is shared by its copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleSeen {
    pub signature: i64,
    pub endpoint: EndpointId,
    pub differences: Vec<SampleDifference>,
    /// Why the candidate gave no answer.
    pub no_answer: Option<String>,
    /// When the request was captured.
    pub at: Micros,
    /// See [`crate::steady::Agreement`].
    pub steady: Vec<String>,
    pub same: Arc<Vec<String>>,
    /// Both sides' arrays where whole elements differ.
    pub lists: Vec<SampleLists>,
    /// Objects of the primary's body.
    pub objects: Arc<Vec<ObjectSeen>>,
    /// The bodies are text by lines.
    pub is_text: bool,
    /// Its fields, by which it is told whose sample it is where a signature has several causes.
    pub row: Option<Arc<Row>>,
}

/// Both sides' arrays at one generalised path, without structures inside their elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleLists {
    pub path: String,
    pub primary: Arc<Vec<serde_json::Value>>,
    pub candidate: Arc<Vec<serde_json::Value>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleDifference {
    pub place: Where,
    /// Generalised.
    pub path: String,
    pub kind: Kind,
    /// JSON text, redacted.
    pub primary: Option<String>,
    pub candidate: Option<String>,
    /// Where a moved value was, generalised.
    pub from: Option<String>,
}

impl SampleSeen {
    /// Places beside a difference, in the same object, that say that this is another entity
    /// altogether: an id that is looked up, not made for the answer.
    pub(crate) fn other_ids_beside(&self, difference: &SampleDifference) -> Vec<&str> {
        let Some((parent, _)) = difference.path.rsplit_once('/') else { return Vec::new() };
        let says_so = |other: &&SampleDifference| {
            let value = other.primary.as_deref().unwrap_or_default();
            let text = serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned());
            let class = ValueClass::of_text(&text, &[self.at]);
            other.kind == Kind::ValueChanged
                && other.path != difference.path
                && other.path.rsplit_once('/').is_some_and(|(own, name)| {
                    let id = name == "id" || name.ends_with("_id") || name.ends_with("Id");
                    own == parent && (id || class.name() == "id")
                })
                && !class.is_made_afresh()
        };
        self.differences.iter().filter(says_so).map(|other| other.path.as_str()).collect()
    }
}
