//! A rule in the making: from a row of the diff, or from the list of rules.
//!
//! The same fields come by GET (the form with its preview, nothing is changed) and by POST (save).
//! What is saved must be what was previewed: a choice that was changed since is shown again first.

use cluster::{RouteRules, endpoint::generalise_members, rules::json_path};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::SampleRow;

use crate::{
    api::{ApiError, ClusterId, EffectRequest, RuleId, RuleJson, RuleRequest},
    sides::Places,
    words,
};

/// The fields, as they are typed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct RuleForm {
    /// JSONPath.
    pub(crate) path: String,
    pub(crate) kind: String,
    /// Empty: everywhere.
    pub(crate) route: String,
    pub(crate) abs: String,
    pub(crate) rel: String,
    pub(crate) seconds: String,
    pub(crate) pattern: String,
    /// Relative pointers, separated by commas.
    pub(crate) key: String,
    pub(crate) owner: String,
    pub(crate) reason: String,
    /// Days, `never`, or a time.
    pub(crate) expires: String,
    /// The choice that the preview on the page was made for.
    pub(crate) previewed: String,
    /// `R-7`, where a saved rule is edited.
    pub(crate) replaces: String,
    /// Where the form was opened, and where it leads back to.
    pub(crate) exchange: String,
    pub(crate) cluster: String,
    pub(crate) version: String,
    pub(crate) at: String,
    pub(crate) side: String,
    pub(crate) back: String,
    pub(crate) theme: String,
    /// Which line of the preview is opened.
    pub(crate) show: String,
}

/// A place that the radio buttons offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlaceChoice {
    pub(crate) path: String,
    /// As people read it: `/fees/*/label`.
    pub(crate) shown: String,
    pub(crate) count: String,
    pub(crate) checked: bool,
}

pub(crate) const KINDS: [(&str, &str); 10] = [
    ("ignore", "ignore"),
    ("case_insensitive", "case insensitive"),
    ("numeric_tolerance", "number within"),
    ("timestamp_tolerance", "time within"),
    ("regex", "both match a pattern"),
    ("null_equals_missing", "null equals missing"),
    ("unordered", "array in any order"),
    ("array_key", "array by key"),
    ("unicode_nfc", "same letters (NFC)"),
    ("strict_numbers", "numbers as written"),
];

pub(crate) const EXPIRIES: [(&str, &str); 4] =
    [("7", "in 7 days"), ("30", "in 30 days"), ("90", "in 90 days"), ("never", "never")];

impl RuleForm {
    /// What is typed when the form opens: the kinds that matter, thirty days.
    pub(crate) fn filled(mut self, endpoint: Option<&str>) -> Self {
        if self.kind.is_empty() {
            self.kind = "ignore".to_owned();
        }
        if self.expires.is_empty() {
            self.expires = "30".to_owned();
        }
        // Only the first look has no choice of scope yet.
        if self.path.is_empty() && self.route.is_empty() && self.previewed.is_empty() {
            self.route = endpoint.unwrap_or_default().to_owned();
        }
        self
    }

    /// A saved rule, to be edited.
    pub(crate) fn of(rule: &RuleJson) -> Self {
        let text = |name: &str| match rule.rule.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(items)) => {
                let items = items.iter().filter_map(Value::as_str);
                items.collect::<Vec<_>>().join(", ")
            }
            Some(other) => other.to_string(),
        };
        Self {
            path: text("path"),
            kind: text("kind"),
            route: text("route"),
            abs: text("abs"),
            rel: text("rel"),
            seconds: text("seconds"),
            pattern: text("pattern"),
            key: text("key"),
            owner: rule.owner.clone().unwrap_or_default(),
            reason: rule.reason.clone().unwrap_or_default(),
            expires: rule.expires_at.clone().unwrap_or_else(|| "never".to_owned()),
            replaces: rule.id.map(|id| id.to_string()).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// What the preview belongs to.
    pub(crate) fn choice(&self) -> String {
        let own = self.written().map(|rule| Value::Object(rule).to_string());
        own.unwrap_or_else(|error| error.to_string())
    }

    /// The rule as the API takes it.
    pub(crate) fn request(&self) -> Result<RuleRequest, ApiError> {
        let expires_at = match self.expires.as_str() {
            "never" | "" => None,
            days if days.bytes().all(|byte| byte.is_ascii_digit()) && days.len() < 5 => {
                let hours = days.parse::<i64>().unwrap_or(30) * 24;
                let end = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
                Some(end.to_string())
            }
            time => Some(time.to_owned()),
        };
        Ok(RuleRequest {
            owner: Some(self.owner.clone()),
            reason: Some(self.reason.clone()),
            expires_at,
            rule: self.written()?,
        })
    }

    /// What is asked of the preview.
    pub(crate) fn question(&self) -> Result<EffectRequest, ApiError> {
        let cluster = self.cluster.parse::<ClusterId>().ok();
        let version = Some(self.version.clone()).filter(|version| !version.is_empty());
        Ok(EffectRequest {
            rule: Some(self.request()?),
            replaces: self.replaces.parse::<RuleId>().ok(),
            cluster,
            version,
        })
    }

    /// `path`, `kind` and what belongs to it.
    fn written(&self) -> Result<Map<String, Value>, ApiError> {
        let mut rule = Map::new();
        rule.insert("path".to_owned(), self.path.trim().into());
        rule.insert("kind".to_owned(), self.kind.as_str().into());
        if !self.route.trim().is_empty() {
            rule.insert("route".to_owned(), self.route.trim().into());
        }
        let mut number = |name: &'static str, text: &str| {
            let text = text.trim();
            if text.is_empty() {
                return Ok(());
            }
            let number: f64 = text.parse().map_err(|_| ApiError::Parameter {
                parameter: name,
                problem: format!("`{text}` is no number; write one such as 0.01"),
            })?;
            rule.insert(name.to_owned(), number.into());
            Ok::<_, ApiError>(())
        };
        match self.kind.as_str() {
            "numeric_tolerance" => {
                number("abs", &self.abs)?;
                number("rel", &self.rel)?;
            }
            "timestamp_tolerance" => number("seconds", &self.seconds)?,
            "regex" => {
                rule.insert("pattern".to_owned(), self.pattern.as_str().into());
            }
            "array_key" => {
                let keys = self.key.split(',').map(str::trim).filter(|key| !key.is_empty());
                let keys = keys.map(|key| match key.strip_prefix('/') {
                    Some(_) => key.to_owned(),
                    None => format!("/{key}"),
                });
                rule.insert("key".to_owned(), keys.collect::<Vec<_>>().into());
            }
            _ => {}
        }
        Ok(rule)
    }

    /// The same form with another line of its preview opened.
    pub(crate) fn showing(&self, line: &str) -> String {
        let fields = serde_json::to_value(self).unwrap_or_default();
        let fields = fields.as_object().cloned().unwrap_or_default();
        let kept = fields.iter().filter(|(name, _)| {
            !matches!(name.as_str(), "show" | "reason" | "owner" | "previewed" | "back")
        });
        let mut parameters: Vec<(&str, &str)> =
            kept.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())).collect();
        parameters.push(("show", line));
        words::link("/rules/preview", &parameters)
    }
}

/// The places that a row may mean: this one, all like it, and all of its name.
pub(crate) fn place_choices(form: &RuleForm, sample: &SampleRow) -> Vec<PlaceChoice> {
    let body = match form.side.as_str() {
        "primary" => &sample.view.primary.body,
        _ => &sample.view.candidate.body,
    };
    let Some(places) = Places::of(body).filter(|places| places.holds(&form.at)) else {
        return Vec::new();
    };
    let general = places.general(&form.at);
    let recorded = sample.view.differences.iter().find(|one| one.path == form.at);
    let general = recorded
        .map_or_else(|| generalise_members(&general).into_owned(), |one| one.general.clone());
    let mut choices = vec![PlaceChoice {
        path: places.json_path(&form.at),
        shown: form.at.clone(),
        count: "1 place".to_owned(),
        checked: false,
    }];
    if let Some(first) = choices.first_mut().filter(|_| form.at.is_empty()) {
        first.shown = "the whole body".to_owned();
    } else if general != form.at {
        choices.push(PlaceChoice {
            path: json_path(&general),
            count: words::plural(places.count_general(&general), "place"),
            shown: general.clone(),
            checked: false,
        });
    }
    if let Some((path, name)) = any_depth(&general) {
        choices.push(PlaceChoice {
            count: words::plural(places.count_named(&name), "place"),
            shown: path.clone(),
            path,
            checked: false,
        });
    }
    // The general path is what most people mean.
    let chosen = choices.iter().position(|choice| choice.path == form.path);
    let chosen = chosen.unwrap_or(usize::from(general != form.at && choices.len() > 1));
    if let Some(choice) = choices.get_mut(chosen) {
        choice.checked = true;
    }
    choices
}

/// `$..label` and its name; `None` where the place has no name of its own.
fn any_depth(general: &str) -> Option<(String, String)> {
    let last = general.rsplit('/').next().filter(|last| !last.is_empty() && *last != "*")?;
    let name = last.replace("~1", "/").replace("~0", "~");
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    let path = if plain {
        format!("$..{name}")
    } else {
        format!("$..{}", json_path(&format!("/{last}")).strip_prefix('$')?)
    };
    Some((path, name))
}

/// `route` and the rest of a rule, in words: `number within 0.01`.
pub(crate) fn kind_words(rule: &Map<String, Value>) -> String {
    let kind = rule.get("kind").and_then(Value::as_str).unwrap_or_default();
    let word = KINDS.iter().find(|(name, _)| *name == kind).map_or(kind, |(_, words)| words);
    let said = |name: &str| rule.get(name).filter(|value| !value.is_null());
    let mut text = word.to_owned();
    for (name, before, after) in
        [("abs", " ", ""), ("rel", " ", " of it"), ("seconds", " ", " s"), ("pattern", " ", "")]
    {
        if let Some(value) = said(name) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.push_str(&format!("{before}{value}{after}"));
        }
    }
    if let Some(keys) = said("key").and_then(Value::as_array) {
        let keys: Vec<&str> = keys.iter().filter_map(Value::as_str).collect();
        text.push_str(&format!(" {}", keys.join(", ")));
    }
    text
}

/// Whether the rule reads, and what is wrong with it.
pub(crate) fn problem(form: &RuleForm) -> Option<String> {
    let read = |request: RuleRequest| -> Result<RouteRules, ApiError> { request.rule() };
    form.request().and_then(read).err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> RuleForm {
        RuleForm {
            path: "$.a".to_owned(),
            kind: "numeric_tolerance".to_owned(),
            abs: "0.01".to_owned(),
            route: "GET /loans/{id}".to_owned(),
            ..RuleForm::default()
        }
    }

    #[test]
    fn fields_become_a_rule_of_their_kind() {
        let rule = form().written().unwrap();
        assert_eq!(
            Value::Object(rule.clone()).to_string(),
            r#"{"abs":0.01,"kind":"numeric_tolerance","path":"$.a","route":"GET /loans/{id}"}"#
        );
        assert_eq!(kind_words(&rule), "number within 0.01");
        let keyed = RuleForm { kind: "array_key".into(), key: "id, /code".into(), ..form() };
        assert_eq!(keyed.written().unwrap()["key"].to_string(), r#"["/id","/code"]"#);
        let wrong = RuleForm { abs: "a bit".into(), ..form() };
        assert!(problem(&wrong).unwrap().contains("`a bit` is no number"));
    }

    #[test]
    fn the_preview_belongs_to_the_choice_and_not_to_the_reason() {
        let (one, reasoned) = (form(), RuleForm { reason: "cents".into(), ..form() });
        assert_eq!(one.choice(), reasoned.choice());
        assert_ne!(one.choice(), RuleForm { route: String::new(), ..form() }.choice());
    }

    #[test]
    fn names_at_any_depth_are_quoted() {
        assert_eq!(any_depth("/fees/*/label").unwrap().0, "$..label");
        assert_eq!(any_depth("/fees/7-day").unwrap().0, "$..['7-day']");
        assert_eq!(any_depth("/tags/*"), None);
        assert_eq!(any_depth(""), None);
    }
}
