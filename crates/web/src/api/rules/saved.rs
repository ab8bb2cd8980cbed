//! Rules that people save: what they may write, and how it is kept.

use cluster::{RouteRules, RuleBook};
use serde::{Deserialize, Serialize};
use store::{RuleText, Store};

use super::{RuleId, RuleJson, listed};
use crate::api::{ApiError, instant};

/// Longer texts are not what people type.
const MOST_LETTERS: usize = 2_000;
/// Rules in force at a time: each is tried at every place of every body.
const MOST_RULES: usize = 500;

/// The body of `POST /api/v1/rules` and of `PUT /api/v1/rules/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct RuleRequest {
    #[serde(default)]
    pub owner: Option<String>,
    /// Shown wherever the rule hides something.
    #[serde(default)]
    pub reason: Option<String>,
    /// RFC 3339, or a day; the rule stops applying then.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// `route`, `path`, `kind` and what belongs to the kind, as in `understudy.toml`.
    #[serde(flatten)]
    pub rule: serde_json::Map<String, serde_json::Value>,
}

impl RuleRequest {
    /// The rule itself, checked.
    pub fn rule(&self) -> Result<RouteRules, ApiError> {
        let mut written = self.rule.clone();
        written.retain(|_, value| !value.is_null());
        if written.values().any(|value| value.as_str().is_some_and(is_too_long)) {
            return Err(ApiError::Request(format!("write at most {MOST_LETTERS} letters")));
        }
        let rule: RouteRules = serde_json::from_value(serde_json::Value::Object(written))
            .map_err(|error| ApiError::Request(format!("the rule: {error}")))?;
        checked(std::slice::from_ref(&rule))?;
        Ok(rule)
    }

    /// As it is kept.
    fn text(&self) -> Result<RuleText, ApiError> {
        let rule = self.rule()?;
        let trimmed = |text: &Option<String>| {
            text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let Some(reason) = trimmed(&self.reason) else {
            let problem = "write why: it is shown wherever this rule hides something".to_owned();
            return Err(ApiError::Parameter { parameter: "reason", problem });
        };
        let owner = trimmed(&self.owner);
        if is_too_long(&reason) || owner.as_deref().is_some_and(is_too_long) {
            return Err(ApiError::Request(format!("write at most {MOST_LETTERS} letters")));
        }
        let expires_at = expiry(self.expires_at.as_deref())?;
        let doc = serde_json::to_string(&rule)
            .map_err(|error| ApiError::Request(format!("the rule: {error}")))?;
        Ok(RuleText { doc, owner, reason, expires_at })
    }
}

/// Refuses rules that do not compile, and says where.
fn checked(rules: &[RouteRules]) -> Result<(), ApiError> {
    let wrong = |error: String| {
        let one = error.strip_prefix("rule 1: ").filter(|_| rules.len() == 1);
        ApiError::Request(format!("Rule not saved: {}", one.unwrap_or(&error)))
    };
    RuleBook::compile(rules).map_err(|error| wrong(error.to_string()))?;
    Ok(())
}

/// A time in µs; a day means its first moment in UTC.
fn expiry(text: Option<&str>) -> Result<Option<i64>, ApiError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let problem = |problem: String| ApiError::Parameter { parameter: "expires_at", problem };
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let day: jiff::civil::Date = text.parse().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    let at = at.ok_or_else(|| {
        problem(format!("`{text}` is no time; write 2026-12-31 or 2026-12-31T18:00:00Z"))
    })?;
    if at <= jiff::Timestamp::now() {
        return Err(problem(format!("`{text}` is over; such a rule would never apply")));
    }
    Ok(Some(at.as_microsecond()))
}

/// Saves a new rule.
pub async fn add_rule(store: &Store, request: &RuleRequest) -> Result<RuleJson, ApiError> {
    let text = request.text()?;
    fits(store, &request.rule()?, None).await?;
    let id = RuleId(store.add_rule(&text).await?);
    tracing::info!(rule.id = %id, rule.expires = text.expires_at.map(instant), "a rule was saved");
    shown_rule(store, id).await
}

/// Writes a saved rule anew.
pub async fn change_rule(
    store: &Store,
    id: RuleId,
    request: &RuleRequest,
) -> Result<RuleJson, ApiError> {
    let text = request.text()?;
    fits(store, &request.rule()?, Some(id)).await?;
    found(store.change_rule(id.0, &text).await?, id)?;
    tracing::info!(rule.id = %id, "a rule was changed");
    shown_rule(store, id).await
}

/// Takes a rule out of force; it can be restored.
pub async fn remove_rule(store: &Store, id: RuleId) -> Result<RuleJson, ApiError> {
    found(store.remove_rule(id.0).await?, id)?;
    tracing::info!(rule.id = %id, "a rule was removed");
    shown_rule(store, id).await
}

/// Puts a removed rule back.
pub async fn restore_rule(store: &Store, id: RuleId) -> Result<RuleJson, ApiError> {
    found(store.restore_rule(id.0).await?, id)?;
    tracing::info!(rule.id = %id, "a rule was put back");
    shown_rule(store, id).await
}

/// A saved rule as it is listed.
pub async fn shown_rule(store: &Store, id: RuleId) -> Result<RuleJson, ApiError> {
    let row = store.rule(id.0).await?.ok_or_else(|| missing(id))?;
    let model = crate::api::model_of(store).await?;
    Ok(listed::saved(&row, &model, jiff::Timestamp::now().as_microsecond()))
}

fn found(found: bool, id: RuleId) -> Result<(), ApiError> {
    if found { Ok(()) } else { Err(missing(id)) }
}

fn missing(id: RuleId) -> ApiError {
    ApiError::NotFound(format!("there is no rule {id} in this state"))
}

/// Whether the rules in force and this one can be followed together.
async fn fits(store: &Store, rule: &RouteRules, replaces: Option<RuleId>) -> Result<(), ApiError> {
    let rows = store.rules_in_force().await?;
    let rows = rows.iter().filter(|row| Some(row.id) != replaces.map(|id| id.0));
    let mut rules: Vec<diff::Rule> = rows
        .filter_map(|row| serde_json::from_str::<RouteRules>(&row.text.doc).ok())
        .map(|one| one.rule)
        .collect();
    if rules.len() >= MOST_RULES {
        let text = format!("{MOST_RULES} rules are in force, which is the most; remove some first");
        return Err(ApiError::Request(text));
    }
    rules.push(rule.rule.clone());
    diff::Rules::compile(&rules).map(drop).map_err(|error| {
        ApiError::Request(format!("Rule not saved: beside those in force: {}", error.problem))
    })
}

fn is_too_long(text: &str) -> bool {
    text.len() > MOST_LETTERS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: serde_json::Value) -> Result<RuleText, String> {
        let request: RuleRequest = serde_json::from_value(json).unwrap();
        request.text().map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_a_rule_is_told() {
        let table = [
            (serde_json::json!({"path": "$.a", "kind": "ignore"}), "`reason`: write why"),
            (
                serde_json::json!({"path": "$.items[*", "kind": "ignore", "reason": "x"}),
                "path `$.items[*`, position",
            ),
            (
                serde_json::json!({"path": "$.a", "kind": "ignore", "reason": "x", "roote": "/"}),
                "unknown field `roote`",
            ),
            (
                serde_json::json!({"path": "$.a", "kind": "ignore", "reason": "x", "route": "a"}),
                "route `a`",
            ),
            (
                serde_json::json!({"path": "$.a", "kind": "ignore", "reason": "x",
                    "expires_at": "2001-01-01"}),
                "is over",
            ),
            (
                serde_json::json!({"path": "$.a", "kind": "regex", "reason": "x", "pattern": "("}),
                "Rule not saved",
            ),
        ];
        for (json, wanted) in table {
            let problem = read(json.clone()).unwrap_err();
            assert!(problem.contains(wanted), "{json}: {problem}");
        }
    }

    #[test]
    fn a_rule_is_kept_as_it_stands_in_the_configuration() {
        let text = read(serde_json::json!({"path": "$.a", "kind": "numeric_tolerance", "abs": 0.5,
            "route": null, "owner": " Mara ", "reason": "cents"}))
        .unwrap();
        assert_eq!(text.doc, r#"{"path":"$.a","kind":"numeric_tolerance","abs":0.5,"rel":null}"#);
        assert_eq!((text.owner.as_deref(), text.reason.as_str()), (Some("Mara"), "cents"));
    }
}
