//! The audit: who changed what, from what to what.

use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Look,
    frame::{About, Frame},
    html,
};
use crate::{
    api::{self, ApiError, Audit, AuditJson},
    serve::asset_url,
    words,
};

const KEYS: &[(&str, &str)] = &[("/", "Search"), ("?", "Keys on or off")];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    actor: String,
    action: String,
    q: String,
    cursor: String,
    theme: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    frame: Frame,
    css: String,
    heading: &'static str,
    q: String,
    theme: String,
    /// What narrows the list, and the link that drops it.
    filters: Vec<(String, String)>,
    rows: Vec<Row>,
    older: Option<String>,
    newest: Option<String>,
    clear_href: String,
}

struct Row {
    at: String,
    when: String,
    actor: String,
    actor_href: String,
    how: String,
    action: String,
    action_href: String,
    subject: String,
    subject_href: String,
    changes: Vec<Change>,
}

/// One field before and after.
struct Change {
    name: String,
    before: Option<String>,
    after: Option<String>,
}

impl Asked {
    pub(crate) fn query(&self) -> api::AuditQuery {
        api::AuditQuery {
            actor: Some(self.actor.clone()),
            action: Some(self.action.clone()),
            q: Some(self.q.clone()),
            limit: None,
            cursor: Some(self.cursor.clone()),
        }
    }

    fn link(&self, actor: &str, action: &str, q: &str, cursor: &str) -> String {
        let theme = ("theme", self.theme.as_str());
        let parameters =
            [("actor", actor), ("action", action), ("q", q), ("cursor", cursor), theme];
        words::link("/audit", &parameters)
    }
}

pub(crate) fn page(look: &Look, audit: Audit, asked: &Asked) -> Result<String, ApiError> {
    let about = About {
        title: "Audit",
        section: "/audit",
        path: "/audit",
        version: "",
        theme: &asked.theme,
        keys: KEYS,
    };
    let (actor, action, q) = (&asked.actor, &asked.action, &asked.q);
    let filters = [
        (format!("by {actor}"), asked.link("", action, q, ""), actor),
        (words::reason(action), asked.link(actor, "", q, ""), action),
    ];
    let filters = filters.into_iter().filter(|(_, _, word)| !word.is_empty());
    let page = Page {
        frame: Frame::of(look, &about),
        css: asset_url("access.css"),
        heading: "Who changed what",
        q: q.clone(),
        theme: asked.theme.clone(),
        filters: filters.map(|(name, href, _)| (name, href)).collect(),
        older: audit.next.as_ref().map(|cursor| asked.link(actor, action, q, cursor)),
        newest: (!asked.cursor.is_empty()).then(|| asked.link(actor, action, q, "")),
        clear_href: asked.link("", "", "", ""),
        rows: audit.entries.into_iter().map(|entry| row(look, entry, asked)).collect(),
    };
    html(page.render())
}

fn row(look: &Look, entry: AuditJson, asked: &Asked) -> Row {
    let how = match (entry.via.as_str(), &entry.address) {
        ("local", _) => "nobody logs in here".to_owned(),
        (via, Some(address)) => format!("{via}, {address}"),
        (via, None) => via.to_owned(),
    };
    let subject_href = match entry.subject.parse::<api::ClusterId>() {
        Ok(id) => words::link(&format!("/clusters/{id}"), &[("theme", &asked.theme)]),
        Err(_) => String::new(),
    };
    Row {
        when: words::moment(&entry.at, look.now),
        changes: changes(&entry.before, &entry.after),
        actor_href: asked.link(&entry.actor, &asked.action, &asked.q, ""),
        action_href: asked.link(&asked.actor, &entry.action, &asked.q, ""),
        at: entry.at,
        actor: entry.actor,
        how,
        action: entry.action,
        subject: entry.subject,
        subject_href,
    }
}

/// Fields that are not the same on both sides; what has no fields is one.
fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let shown = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let (Some(left), Some(right)) = (fields(before), fields(after)) else {
        let whole = Change { name: String::new(), before: shown(before), after: shown(after) };
        return if before == after { Vec::new() } else { vec![whole] };
    };
    let names = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name)));
    let one = |name: &String| {
        let (before, after) = (left.get(name), right.get(name));
        let (before, after) = (before.and_then(shown), after.and_then(shown));
        (before != after).then(|| Change { name: name.clone(), before, after })
    };
    names.filter_map(one).collect()
}

/// Nothing has no fields, and is no field either.
fn fields(value: &Value) -> Option<serde_json::Map<String, Value>> {
    match value {
        Value::Null => Some(serde_json::Map::new()),
        Value::Object(fields) => Some(fields.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_changed_is_shown() {
        let (before, after) = (
            json!({"state": "open", "owner": "a"}),
            json!({"state": "fixed", "owner": "a", "note": null}),
        );
        let shown = changes(&before, &after);
        assert_eq!(shown.len(), 1);
        assert_eq!((shown[0].name.as_str(), shown[0].after.as_deref()), ("state", Some("fixed")));
        let fresh = changes(&Value::Null, &json!({"role": "viewer"}));
        assert_eq!((fresh[0].before.as_deref(), fresh[0].after.as_deref()), (None, Some("viewer")));
        assert_eq!(changes(&json!(1), &json!([2])).len(), 1);
        assert!(changes(&Value::Null, &Value::Null).is_empty());
    }
}
