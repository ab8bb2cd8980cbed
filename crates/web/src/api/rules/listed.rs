//! Rules as they are listed: of the configuration first, then of the store.

use std::collections::BTreeMap;

use cluster::{Model, RouteRules, RuleBook, RuleName, StoredRule};
use exchange::Micros;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use store::RuleRow;

use crate::api::instant;

/// `R-7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub i64);

/// The answer of `GET /api/v1/rules`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleList {
    pub rules: Vec<RuleJson>,
    /// Share of compared pairs that match only because a rule hides what differs.
    pub masked_share: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleJson {
    /// Of a saved rule.
    pub id: Option<RuleId>,
    /// Of a rule of the configuration: its place there, from 1.
    pub number: Option<usize>,
    /// `route`, `path`, `kind` and what belongs to the kind.
    #[serde(flatten)]
    pub rule: serde_json::Map<String, serde_json::Value>,
    pub owner: Option<String>,
    pub reason: Option<String>,
    pub created_at: Option<String>,
    pub expires_at: Option<String>,
    /// `in_force`; `waiting` for the next model; `expired`; `removed`.
    pub state: String,
    /// `exact`: what it hides is told from the counters; `samples`: only on kept samples.
    pub told: String,
    /// `null` where counters do not tell.
    pub hides: Option<RuleReach>,
}

/// What a rule hides of what was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleReach {
    /// Pairs with a difference that it hides.
    pub pairs: u64,
    /// Of those, pairs that match only because rules hide what differs.
    pub cleared: u64,
}

/// Every rule that is not removed; `reach` by rule.
#[must_use]
pub fn rule_list(
    configured: &[serde_json::Value],
    rows: &[RuleRow],
    model: &Model,
    reach: &BTreeMap<RuleName, RuleReach>,
    now: Micros,
) -> Vec<RuleJson> {
    let of_file = configured.iter().enumerate().map(|(at, rule)| of_file(at + 1, rule));
    let of_store = rows.iter().filter(|row| row.removed_at.is_none());
    let of_store = of_store.map(|row| saved(row, model, now));
    let mut rules: Vec<RuleJson> = of_file.chain(of_store).collect();
    for rule in rules.iter_mut().filter(|rule| rule.told == "exact") {
        let name = match (rule.id, rule.number) {
            (Some(id), _) => RuleName::Stored(id.0),
            (None, number) => RuleName::File(number.unwrap_or(0)),
        };
        rule.hides = Some(reach.get(&name).copied().unwrap_or_default());
    }
    rules
}

fn of_file(number: usize, rule: &serde_json::Value) -> RuleJson {
    RuleJson {
        id: None,
        number: Some(number),
        rule: rule.as_object().cloned().unwrap_or_default(),
        owner: None,
        reason: None,
        created_at: None,
        expires_at: None,
        state: "in_force".to_owned(),
        told: told(serde_json::from_value(rule.clone()).ok()).to_owned(),
        hides: None,
    }
}

pub(super) fn saved(row: &RuleRow, model: &Model, now: Micros) -> RuleJson {
    let written = serde_json::from_str::<RouteRules>(&row.text.doc).ok();
    let doc = serde_json::from_str::<serde_json::Value>(&row.text.doc).ok();
    let mut rule = doc.and_then(|doc| doc.as_object().cloned()).unwrap_or_default();
    rule.retain(|_, value| !value.is_null());
    RuleJson {
        id: Some(RuleId(row.id)),
        number: None,
        rule,
        owner: row.text.owner.clone(),
        reason: Some(row.text.reason.clone()),
        created_at: Some(instant(row.created_at)),
        expires_at: row.text.expires_at.map(instant),
        state: state(row, written.as_ref(), model, now).to_owned(),
        told: told(written).to_owned(),
        hides: None,
    }
}

fn state(row: &RuleRow, written: Option<&RouteRules>, model: &Model, now: Micros) -> &'static str {
    let published = model.rules.iter().find(|rule| rule.id == row.id);
    if row.removed_at.is_some() {
        "removed"
    } else if row.text.expires_at.is_some_and(|end| end <= now) {
        "expired"
    } else if published.is_some_and(|published| Some(&published.rule) == written) {
        "in_force"
    } else {
        "waiting"
    }
}

fn told(rule: Option<RouteRules>) -> &'static str {
    let rule = rule.map(|rule| StoredRule { id: 0, reason: String::new(), rule });
    let book = RuleBook::default().with(rule.as_slice());
    if book.is_exact(RuleName::Stored(0)) { "exact" } else { "samples" }
}

impl std::fmt::Display for RuleId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "R-{}", self.0)
    }
}

impl std::str::FromStr for RuleId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix("R-")
            .and_then(|digits| digits.parse().ok())
            .filter(|id| *id > 0)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no id of a saved rule; they look like R-7"))
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
