//! A JSON Schema of the configuration, for editors.
//!
//! Read from the commented manual, which names every key with its default and says what it is:
//! what the manual does not know, the schema does not know either. Rules are described here, since
//! the manual only lists their kinds.

use serde_json::{Map, Value, json};

use super::DEFAULT_TEXT;

/// Numbers that may have a fraction although the manual shows none.
const FRACTIONS: [&str; 6] =
    ["sample", "max_rate", "max_mismatch_rate", "confidence", "max_no_answer_rate", "abs"];

pub(crate) fn schema() -> Value {
    let mut root = object();
    let mut section = Section::default();
    let mut comment = String::new();
    for line in DEFAULT_TEXT.lines() {
        if let Some(opened) = Section::opened(line) {
            section = opened;
            section.describe(&mut root, &comment);
            comment.clear();
        } else if let Some(key) = Key::read(line) {
            if !section.is_rules() && !section.is_free() {
                section.within(&mut root)[key.name] = key.schema(&comment);
            }
            comment.clear();
        } else {
            let text = line.trim_start_matches('#').trim();
            let separate = text.is_empty() || text.starts_with("--");
            comment = if separate { String::new() } else { format!("{comment} {text}") };
        }
    }
    root["properties"]["rules"] = rules();
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("understudy.toml");
    root
}

fn object() -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": {} })
}

/// `[replay.reference]`, or `[[slice]]`, of which there are several.
#[derive(Debug, Default)]
struct Section {
    path: Vec<String>,
    several: bool,
}

impl Section {
    fn opened(line: &str) -> Option<Self> {
        let text = line.trim_start_matches('#').trim();
        let (text, several) = match text.strip_prefix("[[") {
            Some(rest) => (rest.strip_suffix("]]")?, true),
            None => (text.strip_prefix('[')?.strip_suffix(']')?, false),
        };
        let named = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        named.then(|| Self { path: text.split('.').map(str::to_owned).collect(), several })
    }

    fn is_rules(&self) -> bool {
        self.path == ["rules"]
    }

    /// Its names are the user's own.
    fn is_free(&self) -> bool {
        self.path.last().is_some_and(|name| name == "set_headers")
    }

    /// Where its keys are described.
    fn within<'a>(&self, root: &'a mut Value) -> &'a mut Value {
        let mut at = &mut root["properties"];
        for name in &self.path {
            if at.get(name).is_none() {
                let own = object();
                at[name] =
                    if self.several { json!({ "type": "array", "items": own }) } else { own };
            }
            let own = &mut at[name];
            at = if own["type"] == "array" { &mut own["items"] } else { own };
            at = &mut at["properties"];
        }
        at
    }

    fn describe(&self, root: &mut Value, comment: &str) {
        self.within(root);
        let mut at = &mut *root;
        for name in &self.path {
            at = &mut at["properties"][name];
            if at["type"] == "array" && name != self.path.last().unwrap_or(name) {
                at = &mut at["items"];
            }
        }
        if self.is_free() {
            *at = json!({ "type": "object", "additionalProperties": { "type": "string" } });
        }
        if !comment.trim().is_empty() {
            at["description"] = json!(comment.trim());
        }
    }
}

/// A line `name = value   # what it is`, commented out or not.
struct Key<'a> {
    name: &'a str,
    value: toml::Value,
    about: &'a str,
}

impl<'a> Key<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let text = line.strip_prefix("# ").unwrap_or(line);
        let (name, rest) = text.split_once(" = ")?;
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
        {
            return None;
        }
        // A comment begins at the last ` # ` before which the value is one.
        let ends = rest.match_indices(" #").map(|(at, _)| at).chain([rest.len()]);
        ends.into_iter().find_map(|end| {
            let (value, about) = rest.split_at(end);
            let table: toml::Table = toml::from_str(&format!("v = {value}")).ok()?;
            let about = about.trim().trim_start_matches('#').trim();
            Some(Self { name, value: table.get("v")?.clone(), about })
        })
    }

    fn schema(&self, comment: &str) -> Value {
        let mut own = kind(self.name, &self.value);
        let about = format!("{} {}", comment.trim(), self.about);
        if !about.trim().is_empty() {
            own["description"] = json!(about.trim());
        }
        own
    }
}

fn kind(name: &str, value: &toml::Value) -> Value {
    match value {
        toml::Value::Boolean(value) => json!({ "type": "boolean", "default": value }),
        toml::Value::Integer(_) if FRACTIONS.contains(&name) => json!({ "type": "number" }),
        toml::Value::Integer(value) => json!({ "type": "integer", "minimum": 0, "default": value }),
        toml::Value::Float(value) => json!({ "type": "number", "default": value }),
        toml::Value::Array(_) => json!({ "type": "array", "items": { "type": "string" } }),
        _ => json!({ "type": "string" }),
    }
}

fn rules() -> Value {
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "number", "minimum": 0 });
    /// What a kind takes besides its path, and which of it must be there.
    type Kind = (&'static str, Vec<(&'static str, Value)>, Vec<&'static str>);
    let kinds: [Kind; 10] = [
        ("ignore", vec![], vec![]),
        ("unordered", vec![], vec![]),
        ("array_key", vec![("key", json!({ "type": "array", "items": text() }))], vec!["key"]),
        ("numeric_tolerance", vec![("abs", number()), ("rel", number())], vec![]),
        ("timestamp_tolerance", vec![("seconds", number())], vec!["seconds"]),
        ("regex", vec![("pattern", text())], vec!["pattern"]),
        ("null_equals_missing", vec![], vec![]),
        ("case_insensitive", vec![], vec![]),
        ("strict_numbers", vec![], vec![]),
        ("unicode_nfc", vec![], vec![]),
    ];
    let choices = kinds.into_iter().map(|(kind, own, needed)| {
        let mut properties = Map::new();
        properties.insert("kind".into(), json!({ "const": kind }));
        properties.insert("path".into(), json!({ "type": "string", "description": "RFC 9535 JSONPath into the body" }));
        properties.insert("route".into(), json!({ "type": "string", "description": "`GET /loans/{id}` or `/loans/*`; absent: everywhere" }));
        properties.extend(own.into_iter().map(|(name, schema)| (name.to_owned(), schema)));
        let required: Vec<&str> = ["kind", "path"].into_iter().chain(needed).collect();
        json!({
            "type": "object",
            "additionalProperties": false,
            "properties": properties,
            "required": required,
        })
    });
    json!({
        "type": "array",
        "description": "How places are compared.",
        "items": { "oneOf": choices.collect::<Vec<_>>() },
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Settings;

    fn keys(schema: &Value, path: &str, found: &mut Vec<(String, String, Value)>) {
        for (name, own) in schema["properties"].as_object().unwrap() {
            if own.get("properties").is_some() {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                keys(own, &inner, found);
            } else if !path.is_empty() {
                found.push((path.to_owned(), name.clone(), own.clone()));
            }
        }
    }

    #[test]
    fn every_key_of_it_is_one_that_the_configuration_knows() {
        let mut found = Vec::new();
        keys(&schema(), "", &mut found);
        assert!(found.len() > 60, "only {} keys", found.len());
        for (section, name, own) in found {
            let value = match own["type"].as_str() {
                Some("string") => "\"127.0.0.1:1\"",
                Some("boolean") => "true",
                Some("number") => "0.5",
                Some("integer") => "7",
                Some("object") => "{}",
                _ => "[]",
            };
            let text = format!("[{section}]\n{name} = {value}\n");
            if let Err(problem) = Settings::parse(Path::new("understudy.toml"), &text) {
                let problem = format!("{problem:#}");
                // One of a closed list of words is known all the same.
                assert!(!problem.contains("unknown key"), "{text}: {problem}");
            }
        }
    }

    #[test]
    fn it_says_types_defaults_and_words() {
        let schema = schema();
        let at = |pointer: &str| schema.pointer(pointer).unwrap_or(&Value::Null).clone();
        assert_eq!(at("/properties/queue/properties/partitions/default"), 8);
        assert_eq!(at("/properties/tap/properties/writes/type"), "boolean");
        assert_eq!(at("/properties/tap/properties/max_rate/type"), "number");
        assert_eq!(at("/properties/slice/type"), "array");
        assert_eq!(at("/properties/slice/items/properties/routes/type"), "array");
        assert_eq!(at("/properties/replay/properties/reference/properties/rounds/type"), "integer");
        let headers = at("/properties/replay/properties/set_headers/additionalProperties/type");
        assert_eq!(headers, "string");
        let about = at("/properties/replay/properties/timeout_ms/description");
        assert_eq!(about, "to the end of an answer");
        assert_eq!(
            at("/properties/rules/items/oneOf/3/properties/kind/const"),
            "numeric_tolerance"
        );
    }
}
