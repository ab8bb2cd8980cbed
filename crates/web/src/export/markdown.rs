//! The brief: what a developer needs to find and fix the rule, as Markdown for an issue.

use store::view::DifferenceView;

use super::{Subject, request::comment};
use crate::{
    api::{Cluster, SampleJson},
    words,
};

const SAMPLES: usize = 3;
/// Differences listed of one exchange.
const DIFFERENCES: usize = 12;
/// Letters of one value.
const VALUE: usize = 120;

pub(super) fn write(subject: &Subject<'_>) -> String {
    let cluster = subject.cluster;
    let mut text = format!("# {}: {}\n\n", cluster.id, sentence(cluster));
    text.push_str(&facts(cluster));
    text.push_str(&conditions(cluster));
    text.push_str(&changes(cluster));
    text.push_str("\n## Samples\n\n");
    if subject.samples.is_empty() {
        text.push_str("No exchange of it is kept in this version.\n");
    }
    for sample in subject.samples.iter().take(SAMPLES) {
        text.push_str(&one(sample, subject.address));
    }
    text.push_str(&recheck(subject));
    text
}

/// The sentence: values and terms of strangers between back-ticks.
fn sentence(cluster: &Cluster) -> String {
    use cluster::doc::TitlePart::{Amount, Candidate, Condition, Field, Primary, Words};
    let mut text = String::new();
    for part in &cluster.title_parts {
        let piece = match part {
            Words(words) | Amount(words) => escaped(&comment(words)),
            Field(value) | Primary(value) | Candidate(value) | Condition(value) => code(value),
        };
        if !text.is_empty() && !piece.starts_with([',', ';', ':', ')']) {
            text.push(' ');
        }
        text.push_str(&piece);
    }
    text
}

fn facts(cluster: &Cluster) -> String {
    let mut lines = vec![
        format!("Endpoint: {}", code(&cluster.endpoint)),
        format!(
            "Count: {} ({} of what was compared there), state {}",
            words::count(cluster.count),
            words::percent(cluster.share),
            cluster.state
        ),
        format!(
            "Kind of cause: {}, {}",
            cluster.cause_kind.replace('_', " "),
            cluster.repeatability
        ),
    ];
    if let Some(first) = cluster.versions.first() {
        lines.push(format!("First in version {}, {}", code(first), cluster.first_seen));
    }
    if cluster.endpoints.len() > 1 {
        let others: Vec<String> = cluster.endpoints.iter().skip(1).map(|name| code(name)).collect();
        lines.push(format!("Also at {}", others.join(", ")));
    }
    if let Some(owner) = &cluster.owner {
        lines.push(format!("Owner: {}", escaped(&comment(owner))));
    }
    if let Some(entities) = cluster.entities.as_ref().filter(|list| !list.is_empty()) {
        let shown: Vec<String> = entities.iter().take(20).map(|id| code(id)).collect();
        lines.push(format!("Entities: {}", shown.join(", ")));
    }
    lines.into_iter().map(|line| format!("- {line}\n")).collect()
}

fn conditions(cluster: &Cluster) -> String {
    if cluster.conditions.is_empty() {
        return "\n## When it happens\n\nNo condition found yet.\n".to_owned();
    }
    let mut text = "\n## When it happens\n\n".to_owned();
    for condition in &cluster.conditions {
        text.push_str(&format!(
            "- {}: {} of such requests differ so, {} of those that differ meet it ({})\n",
            code(&condition.text),
            words::percent(condition.precision),
            words::percent(condition.recall),
            condition.status
        ));
    }
    text
}

fn changes(cluster: &Cluster) -> String {
    let mut text =
        "\n## What changes\n\n| Place | Primary | Candidate | Cause |\n|---|---|---|---|\n"
            .to_owned();
    for one in cluster.differences.iter().take(DIFFERENCES) {
        let place = if one.path.is_empty() { one.place.clone() } else { one.path.clone() };
        let value = |value: &serde_json::Value| match value {
            serde_json::Value::Null => "nothing".to_owned(),
            value => cell(&value.to_string()),
        };
        let cause =
            one.cause.as_ref().map_or(String::new(), |cause| escaped(&comment(&cause.text)));
        text.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            cell(&place),
            value(&one.example.primary),
            value(&one.example.candidate),
            cause
        ));
    }
    text
}

fn one(sample: &SampleJson, address: &str) -> String {
    let request = &sample.view.request;
    let query = request.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    let line = format!("{} {}{query}", request.method, request.path);
    let status = |status: Option<u16>| status.map_or("no answer".to_owned(), |s| s.to_string());
    let mut text = format!(
        "### {}\n\n[{}]({address}/exchanges/{}), captured {}; primary {}, candidate {}\n\n",
        code(&line),
        comment(&sample.view.exchange_id),
        comment(&sample.view.exchange_id),
        comment(&sample.view.captured_at),
        status(sample.view.primary.status),
        status(sample.view.candidate.status),
    );
    let counted: Vec<&DifferenceView> =
        sample.view.differences.iter().filter(|one| one.masked.is_none()).collect();
    for one in counted.iter().take(DIFFERENCES) {
        let value =
            |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".to_owned(), code);
        let place = if one.path.is_empty() { &one.place } else { &one.path };
        text.push_str(&format!(
            "- {}: {} → {}\n",
            code(place),
            value(&one.primary),
            value(&one.candidate)
        ));
    }
    if counted.len() > DIFFERENCES {
        text.push_str(&format!("- {} more\n", counted.len() - DIFFERENCES));
    }
    text.push('\n');
    text
}

fn recheck(subject: &Subject<'_>) -> String {
    let (id, address) = (subject.cluster.id, subject.address);
    format!(
        "## How to recheck\n\nDeploy the fix, then press Recheck on {address}/clusters/{id}, or\n\n\
         ```sh\ncurl -sS -X POST {address}/api/v1/clusters/{id}/recheck\n\
         curl -sS '{address}/api/v1/clusters/{id}/export?format=hurl' > {id}.hurl\n\
         hurl --test --variable candidate=http://127.0.0.1:9001 {id}.hurl\n```\n"
    )
}

/// A code span that holds exactly this text on one line, whatever back-ticks are in it.
fn code(text: &str) -> String {
    let line: String = comment(text).chars().take(VALUE).collect();
    let cut = if comment(text).chars().count() > VALUE { "…" } else { "" };
    if line.is_empty() {
        return "(empty)".to_owned();
    }
    let longest = line.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{line}{space}{fence}{cut}")
}

/// A code span within a table.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Words outside of code: no markup of strangers works.
fn escaped(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        if "\\`*_{}[]()<>#+!|~".contains(letter) {
            plain.push('\\');
        }
        plain.push(letter);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_spans_cannot_be_left() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`x``"), "``` `x`` ```");
        assert_eq!(code("a\n# b"), "`a # b`");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(code(""), "(empty)");
    }

    #[test]
    fn markup_of_strangers_is_text() {
        assert_eq!(escaped("[x](http://e)<b>"), "\\[x\\]\\(http://e\\)\\<b\\>");
    }
}
