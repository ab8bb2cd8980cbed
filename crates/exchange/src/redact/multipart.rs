//! Multipart forms with sensitive inputs replaced and every other byte kept.

use super::Redactor;

/// `text`, a body of `content_type`, with the sensitive inputs of `redactor` replaced by tokens.
/// Without a boundary nothing can be told apart, and nothing is changed.
pub(super) fn view(redactor: &Redactor, content_type: &str, text: &str) -> String {
    let Some(boundary) = parameter(content_type, "boundary") else { return text.to_owned() };
    let delimiter = format!("--{boundary}");
    let mut view = String::with_capacity(text.len());
    let mut in_head = false;
    let mut hidden = false;
    let mut value = String::new();
    for line in text.split_inclusive('\n') {
        if line.starts_with(&delimiter) {
            flush(redactor, &mut view, &mut value);
            (in_head, hidden) = (true, false);
        } else if in_head {
            let lower = line.to_ascii_lowercase();
            if lower.starts_with("content-disposition:") {
                hidden = parameter(line, "name").is_some_and(|name| redactor.hides_input(name));
            }
            in_head = !line.trim().is_empty();
        } else if hidden {
            value.push_str(line);
            continue;
        }
        view.push_str(line);
    }
    flush(redactor, &mut view, &mut value);
    view
}

/// Appends the token of a hidden value; the line end before a delimiter is no part of it.
fn flush(redactor: &Redactor, view: &mut String, value: &mut String) {
    let bare = value.strip_suffix('\n').unwrap_or(value);
    let bare = bare.strip_suffix('\r').unwrap_or(bare);
    view.push_str(&redactor.hide(bare.as_bytes()));
    view.push_str(value.strip_prefix(bare).unwrap_or_default());
    value.clear();
}

/// The value of `; name=value` or `; name="value"` in a header line.
fn parameter<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split(';').skip(1).find_map(|part| {
        let (key, value) = part.trim().split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}
