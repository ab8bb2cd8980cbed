//! Turns a TOML error into one line: file, line, what is wrong, and the nearest known key.

use std::path::Path;

/// Similar enough to be meant (Jaro-Winkler).
const MEANT: f64 = 0.7;

pub(crate) fn explain(path: &Path, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let line =
        error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
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
    Some(match nearest {
        Some((_, name)) => format!("unknown key `{key}`; did you mean `{name}`?"),
        None => format!("unknown key `{key}`; known here: {}", known.join(", ")),
    })
}
