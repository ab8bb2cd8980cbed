//! How a cluster is shown in one line: signs, words, sparkline.

use cluster::doc::{Level, TitlePart};

use crate::{api::Cluster, draw::Columns, pages::Look, trend::Trend, words};

/// Whether it would be there again: four dots and a word.
#[derive(Clone, Copy)]
pub(crate) struct Repeat {
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
}

impl Repeat {
    pub(crate) fn of(repeatability: &str) -> Self {
        match repeatability {
            "deterministic" => Self { class: "deterministic", word: "Deterministic" },
            "transient" => Self { class: "transient", word: "Transient" },
            "flaky" => Self { class: "flaky", word: "Flaky" },
            _ => Self { class: "unchecked", word: "Unchecked" },
        }
    }
}

/// A state chip.
#[derive(Clone, Copy)]
pub(crate) struct State {
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
}

impl State {
    pub(crate) const VOLATILE: Self = Self { class: "known", word: "Volatile" };

    pub(crate) fn of(state: &str) -> Self {
        match state {
            "regressed" => Self { class: "regressed", word: "Regressed" },
            "new" => Self { class: "new", word: "New" },
            "accepted" => Self { class: "accepted", word: "Accepted" },
            "fixed" => Self { class: "fixed", word: "Fixed" },
            _ => Self { class: "known", word: "Known" },
        }
    }
}

/// Counts by version, with those that do not show it.
pub(crate) fn spark(look: &Look, cluster: &Cluster, width: u32, height: u32) -> Columns {
    let versions = look.ledger.candidate_versions();
    let values: Vec<(f64, String)> = versions
        .into_iter()
        .rev()
        .map(|version| {
            let hit = cluster.by_version.iter().find(|hit| hit.version == version);
            let count = hit.map_or(0, |hit| hit.count);
            (count as f64, words::count(count))
        })
        .collect();
    Columns::of(&values, width, height)
}

/// What stands below a sentence: the evidence, the kind of cause.
pub(crate) fn support(cluster: &Cluster) -> String {
    let mut parts = Vec::new();
    if cluster.severity.level >= Level::High {
        parts.push(cluster.severity.reason.clone());
    }
    match cluster.endpoints.len() {
        0 | 1 => {}
        more => parts.push(format!("{more} endpoints")),
    }
    match (counts(&cluster.title_parts), cluster.conditions.first()) {
        (Some(counts), _) => parts.push(counts),
        (None, Some(condition)) => parts.push(format!(
            "{} of such requests, {} of these mismatches, over {}",
            words::percent(condition.precision),
            words::percent(condition.recall),
            words::plural(condition.support, "stored row")
        )),
        (None, None) => parts.push(cause_words(&cluster.cause_kind).to_owned()),
    }
    let causes = cluster.differences.iter().filter_map(|one| one.cause.as_ref());
    parts.extend(causes.map(|cause| cause.text.clone()).take(1));
    if let Some(follows) = &cluster.follows {
        parts.push(format!("follows from {follows}"));
    }
    parts.join(" · ")
}

/// The sentence without the counts in brackets at its end: they stand below it.
pub(crate) fn sentence(parts: &[TitlePart]) -> Vec<TitlePart> {
    let kept = parts.len() - usize::from(counts(parts).is_some());
    parts[..kept].to_vec()
}

/// `212 of 213 such requests, 0 of 8,410 others`, where a sentence ends with it in brackets.
fn counts(parts: &[TitlePart]) -> Option<String> {
    let TitlePart::Words(words) = parts.last()? else { return None };
    let inside = words.strip_prefix('(')?.strip_suffix(')')?;
    Some(inside.replace(';', ","))
}

pub(crate) fn cause_words(kind: &str) -> &'static str {
    match kind {
        "rule" => "a rule separates it",
        "data" => "the same entities are wrong",
        "primary_changed" => "the primary changed",
        "lag" => "equal at some moment",
        "no_answer" => "no answer",
        _ => "no condition found yet",
    }
}

/// The kind of cause in a word or two.
pub(crate) fn kind_words(kind: &str) -> &'static str {
    match kind {
        "rule" => "rule",
        "data" => "data",
        "primary_changed" => "primary changed",
        "lag" => "lag",
        "no_answer" => "no answer",
        _ => "unexplained",
    }
}

/// Counts by time.
pub(crate) fn spark_of(trend: &Trend, cluster: &Cluster, width: u32, height: u32) -> Columns {
    let values: Vec<(f64, String)> = trend
        .of_cluster(cluster.id.0)
        .into_iter()
        .map(|count| (count as f64, words::count(count)))
        .collect();
    Columns::over("stretches of time", &values, width, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stand_below_the_sentence() {
        let words = |text: &str| TitlePart::Words(text.to_owned());
        let parts = [words("is gone"), words("(19 of 19 such requests kept; 0 of 141 others)")];
        assert_eq!(sentence(&parts), [words("is gone")]);
        assert_eq!(counts(&parts).as_deref(), Some("19 of 19 such requests kept, 0 of 141 others"));
        assert_eq!(sentence(&parts[..1]), [words("is gone")]);
        assert!(sentence(&[]).is_empty());
    }
}
