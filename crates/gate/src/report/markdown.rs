use super::{accepted, address, headline, mark, outlook, statuses, subject, targets, visible};
use crate::{Decision, decide::by_weight, words};

/// What is said of lines that no longer fit, at its longest.
const REST_BYTES: usize = 48;

/// For a step summary: escaped, at most `max_bytes`. What does not fit is cut at a line's end
/// and said so; the most important lines come first.
#[must_use]
pub fn markdown(decision: &Decision, max_bytes: usize) -> String {
    let lines = lines(decision);
    if lines.iter().map(|line| line.len() + 1).sum::<usize>() <= max_bytes {
        return lines.iter().flat_map(|line| [line, "\n"]).collect();
    }
    let mut report = String::new();
    for (at, line) in lines.iter().enumerate() {
        if report.len() + line.len() + 1 + REST_BYTES > max_bytes {
            let rest =
                format!("\n… and {} lines more\n", words::grouped((lines.len() - at) as u64));
            if report.len() + rest.len() <= max_bytes {
                report.push_str(&rest);
            }
            break;
        }
        report.push_str(line);
        report.push('\n');
    }
    report
}

fn lines(decision: &Decision) -> Vec<String> {
    let mut lines = vec![
        format!("## Gate: {}", headline(decision.verdict).to_lowercase()),
        String::new(),
        format!("{}; {}", escaped(&subject(decision)), escaped(&targets(decision))),
        String::new(),
    ];
    lines.extend(decision.reasons.iter().map(|reason| format!("- {}", escaped(reason))));
    lines.extend(outlook(decision).map(|outlook| format!("- {}", escaped(&outlook))));
    if let Some(link) = address(decision.link.as_ref()) {
        lines.push(String::new());
        lines.push(linked("What is behind it", Some(link)));
    }
    if !decision.endpoints.is_empty() {
        lines.push(String::new());
        lines.push("| verdict | endpoint | rate | between | trials | by status |".to_owned());
        lines.push("|---|---|--:|--:|--:|---|".to_owned());
    }
    lines.extend(by_weight(&decision.endpoints).into_iter().map(|endpoint| {
        format!(
            "| {} | {} | {} | {} to {} | {} | {} |",
            mark(endpoint.verdict),
            escaped(&words::named(&endpoint.endpoint, endpoint.slice.as_deref())),
            words::percent(endpoint.rate),
            words::percent(endpoint.rate_low),
            words::percent(endpoint.rate_high),
            words::grouped(endpoint.trials),
            escaped(&statuses(endpoint).unwrap_or_default())
        )
    }));
    if !decision.clusters.is_empty() {
        lines.push(String::new());
        lines.push("| state | cluster | endpoint | what | mismatches |".to_owned());
        lines.push("|---|---|---|---|--:|".to_owned());
    }
    lines.extend(decision.clusters.iter().map(|cluster| {
        format!(
            "| {} | {} | {} | {} | {} |",
            escaped(&cluster.state),
            linked(&cluster.id, address(cluster.link.as_ref())),
            escaped(&cluster.endpoint),
            escaped(&cluster.title),
            words::grouped(cluster.count)
        )
    }));
    if !decision.accepted_clusters.is_empty() || !decision.notes.is_empty() {
        lines.push(String::new());
    }
    lines.extend(
        decision.accepted_clusters.iter().map(|one| format!("- {}", escaped(&accepted(one)))),
    );
    lines.extend(decision.notes.iter().map(|note| format!("- {}", escaped(note))));
    lines
}

/// A link where there is an address: one that the pages made, percent-encoded.
fn linked(text: &str, address: Option<&str>) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~:/?&=%+[]".contains(letter);
    match address {
        Some(address) if address.chars().all(plain) => format!("[{}](<{address}>)", escaped(text)),
        _ => escaped(text),
    }
}

/// Text that stays text in Markdown and in a cell of its tables: no markup, no HTML, no links,
/// no mentions. Entities rather than backslashes where a renderer looks before it unescapes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '|' => escaped.push_str("&#124;"),
            '@' => escaped.push_str("&#64;"),
            ':' => escaped.push_str("&#58;"),
            '#' => escaped.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}
