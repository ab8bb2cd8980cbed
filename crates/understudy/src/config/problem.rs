//! Turns a TOML error into one line: file, line, what is wrong, and the nearest known key.

use std::path::Path;

/// Similar enough to be meant (Jaro-Winkler).
const MEANT: f64 = 0.7;
/// The same, for a key that belongs elsewhere.
const MEANT_ELSEWHERE: f64 = 0.85;

pub(crate) fn explain(path: &Path, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    let message = error.message().lines().collect::<Vec<_>>().join(" ");
    let said = unknown_key(&message).unwrap_or(message);
    anyhow::anyhow!("{} line {line}: {said}", path.display())
}

/// ``unknown field `x`, expected one of `a`, `b` `` becomes a suggestion.
fn unknown_key(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, expected) = rest.split_once('`')?;
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let nearest = known
        .iter()
        .map(|name| (strsim::jaro_winkler(key, name), *name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= MEANT);
    Some(match nearest.map(|(_, name)| name.to_owned()).or_else(|| elsewhere(key)) {
        Some(name) => format!("unknown key `{key}`; did you mean `{name}`?"),
        None => format!("unknown key `{key}`; known here: {}", known.join(", ")),
    })
}

/// The nearest section, or key of another section, that the manual knows.
fn elsewhere(key: &str) -> Option<String> {
    let mut section = String::new();
    let mut best: Option<(f64, String)> = None;
    for line in super::DEFAULT_TEXT.lines() {
        let line = line.trim_start_matches("# ");
        let name = if let Some(header) = line.strip_prefix('[') {
            section = header.trim_matches(['[', ']']).to_owned();
            section.clone()
        } else if let Some((name, _)) = line.split_once(" = ") {
            name.to_owned()
        } else {
            continue;
        };
        let likeness = strsim::jaro_winkler(key, &name);
        if likeness >= MEANT_ELSEWHERE && best.as_ref().is_none_or(|(most, _)| likeness > *most) {
            let shown = if name == section {
                format!("[{section}]")
            } else {
                format!("{name} in [{section}]")
            };
            best = Some((likeness, shown));
        }
    }
    best.map(|(_, shown)| shown)
}
