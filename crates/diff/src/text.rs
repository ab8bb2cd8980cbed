//! A comparison in words.

use std::fmt::Write;

use crate::{Change, Diff, Fragment, Kind};

/// Values longer than this many characters are cut.
const MAX_VALUE: usize = 120;

/// A line that sums up, then one per change and one per note, for a terminal or a log. Control
/// characters of the bodies are escaped.
#[must_use]
pub fn text(diff: &Diff) -> String {
    let masked = diff.changes.iter().filter(|change| change.masked_by.is_some()).count();
    let mut out = summary(diff, diff.changes.len() - masked, masked);
    out.push('\n');
    for change in &diff.changes {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", line(change));
    }
    for note in &diff.notes {
        let _ = writeln!(out, "note: {}", visible(note));
    }
    out
}

fn summary(diff: &Diff, counted: usize, masked: usize) -> String {
    let mut out = match counted {
        0 if diff.equal => "equal".to_owned(),
        1 => "1 difference".to_owned(),
        counted => format!("{counted} differences"),
    };
    if masked > 0 {
        let _ = write!(out, ", {masked} masked");
    }
    if diff.approximate {
        out.push_str(" (approximate: perhaps not the fewest, or not all)");
    }
    out
}

fn line(change: &Change) -> String {
    let path = place(&change.path);
    let (left, right) = (value(change.left.as_ref()), value(change.right.as_ref()));
    let mut out = match change.kind {
        Kind::Added => format!("+ {path}: {right}"),
        Kind::Removed => format!("- {path}: {left}"),
        Kind::ValueChanged | Kind::TypeChanged => format!("~ {path}: {left} -> {right}"),
        Kind::Moved => {
            format!("> {path}: moved from {}", place(change.from.as_deref().unwrap_or_default()))
        }
        Kind::Reordered => format!("> {path}: same elements in another order"),
    };
    if let Some(left_path) = &change.left_path
        && matches!(change.kind, Kind::ValueChanged | Kind::TypeChanged | Kind::Reordered)
    {
        let _ = write!(out, " (left at {})", place(left_path));
    }
    if let Some(rule) = change.masked_by {
        let _ = write!(out, " (masked by rule {})", rule + 1);
    }
    out
}

fn place(pointer: &str) -> String {
    if pointer.is_empty() { "(whole body)".to_owned() } else { visible(pointer) }
}

fn value(fragment: Option<&Fragment>) -> String {
    let Some(fragment) = fragment else { return String::new() };
    // Line breaks of JSON text stand between values only, never inside a string.
    let one_line: Vec<&str> = fragment.json.lines().map(str::trim).collect();
    let mut text = visible(&one_line.join(" "));
    if let Some((end, _)) = text.char_indices().nth(MAX_VALUE) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Text of strangers must not steer a terminal.
fn visible(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if steers(char) {
            out.extend(char.escape_unicode());
        } else {
            out.push(char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, Document, Rule, RuleKind, Rules, diff};

    #[test]
    fn every_kind_has_its_line() {
        let rule = Rule { path: "$.m".to_owned(), kind: RuleKind::Ignore };
        let rules = Rules::compile(&[rule]).expect("rules");
        let json = |text: &'static str| Document {
            content_type: Some("application/json"),
            bytes: text.as_bytes(),
        };
        let found = diff(
            json(r#"{"a":1,"b":"x","d":1,"m":1,"o":[1,2,3,4],"d":2}"#),
            json("{\"a\":\"1\",\"c\":{\n  \"k\\u001b\": 1},\"d\":2,\"m\":2,\"o\":[4,3,2,1]}"),
            &rules,
            &Budget::default(),
        );
        assert_eq!(
            text(&found),
            "4 differences, 1 masked\n\
             ~ /a: 1 -> \"1\"\n\
             - /b: \"x\"\n\
             ~ /m: 1 -> 2 (masked by rule 1)\n\
             > /o: same elements in another order\n\
             + /c: { \"k\\u001b\": 1}\n\
             note: left: duplicate key \"d\" at /d, the last one counts\n"
        );
    }

    #[test]
    fn equal_is_one_word() {
        assert_eq!(text(&Diff { equal: true, ..Diff::default() }), "equal\n");
    }

    #[test]
    fn a_body_cannot_steer_the_terminal() {
        assert_eq!(visible("a\u{1b}[2J\u{202e}b"), "a\\u{1b}[2J\\u{202e}b");
    }
}
