//! Groups and causes become clusters with a sentence each.

use std::collections::{BTreeMap, BTreeSet};

use super::{LearntCluster, SampleSeen};
use crate::{
    ClusterDoc, EndpointId, Place,
    doc::{DocCondition, DocCounts, DocTerm, TitlePart},
    explain::{
        Cause, CauseKind, Exact, Explained, Figures, Row, Rows, Scalar, Standing, THAT_IS, Term,
        counter, spots_of,
    },
    group::{Finding, Group},
    title,
};

/// Clusters, and what belongs to which.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) clusters: Vec<LearntCluster>,
    /// Clusters of each mismatching signature, that with the most stored rows first.
    pub(super) of_signature: BTreeMap<i64, Vec<Part>>,
    /// Of samples whose signature belongs to several clusters: place in the samples, cluster.
    pub(super) homes: Vec<(usize, usize)>,
}

/// A cluster's part of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its place among the clusters.
    pub cluster: usize,
    /// Stored mismatches that belong to it, and all.
    pub rows: u64,
    pub of: u64,
}

/// A key with the stored mismatches that belong to it, and all.
type KeyShare<'a> = (&'a str, u64, u64);

/// One cluster under construction.
#[derive(Debug)]
struct Draft<'a> {
    endpoint: EndpointId,
    first_minute: i64,
    cause: Option<&'a Cause>,
    /// Of the signature that shows it most.
    places: &'a [Place],
    most: f64,
    samples: Vec<&'a SampleSeen>,
}

/// Sorts everything that mismatches; clusters are in the order of their fingerprints.
pub(super) fn sorted(
    groups: &[Group],
    findings: &[Finding],
    explained: &[Explained],
    samples: &[SampleSeen],
    rows: &Rows,
    name: &dyn Fn(EndpointId) -> String,
) -> Sorted {
    let findings: BTreeMap<i64, &Finding> =
        findings.iter().map(|finding| (finding.signature, finding)).collect();
    let causes: BTreeMap<&str, &Cause> = explained
        .iter()
        .flat_map(|explained| &explained.causes)
        .map(|cause| (cause.key.as_str(), cause))
        .collect();
    let shares = shares(groups, explained, &findings);
    let faulty = faulty(explained);
    let mut drafts: BTreeMap<&str, Draft<'_>> = BTreeMap::new();
    for group in groups {
        for signature in &group.signatures {
            let Some(finding) = findings.get(signature) else { continue };
            for (key, rows, _) in shares.get(signature).into_iter().flatten() {
                add(&mut drafts, key, *rows as f64, finding, group, causes.get(key).copied());
            }
        }
    }
    let places: BTreeMap<&str, usize> =
        drafts.keys().enumerate().map(|(at, key)| (*key, at)).collect();
    let mut sorted = Sorted::default();
    for (at, sample) in samples.iter().enumerate() {
        let Some(shares) = shares.get(&sample.signature) else { continue };
        let key = home_of(sample, shares, &causes, findings.get(&sample.signature).copied());
        if let (Some(draft), Some(cluster)) = (drafts.get_mut(key), places.get(key)) {
            draft.samples.push(sample);
            if shares.len() > 1 {
                sorted.homes.push((at, *cluster));
            }
        }
    }
    for (signature, shares) in &shares {
        let part = |(key, rows, of): &KeyShare<'_>| {
            Some(Part { cluster: *places.get(key)?, rows: *rows, of: *of })
        };
        let mut parts: Vec<Part> = shares.iter().filter_map(part).collect();
        parts.sort_by_key(|part| (std::cmp::Reverse(part.rows), part.cluster));
        sorted.of_signature.insert(*signature, parts);
    }
    sorted.clusters =
        drafts.into_iter().map(|(key, draft)| draft.cluster(key, (rows, &faulty), name)).collect();
    sorted
}

/// Ids of missing or old data at all endpoints, by the key of their cluster.
fn faulty(explained: &[Explained]) -> BTreeMap<&str, BTreeSet<&str>> {
    let causes = explained.iter().flat_map(|explained| &explained.causes);
    let mut faulty: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for cause in causes.filter(|cause| cause.kind == CauseKind::Data) {
        let ids = cause.entities.iter().map(String::as_str);
        faulty.entry(cause.key.as_str()).or_default().extend(ids);
    }
    faulty
}

/// The keys of each signature: as explained, else that of its group.
fn shares<'a>(
    groups: &'a [Group],
    explained: &'a [Explained],
    findings: &BTreeMap<i64, &Finding>,
) -> BTreeMap<i64, Vec<KeyShare<'a>>> {
    let mut shares: BTreeMap<i64, Vec<KeyShare<'_>>> = BTreeMap::new();
    for share in explained.iter().flat_map(|explained| &explained.shares) {
        if findings.contains_key(&share.signature) {
            let of = shares.entry(share.signature).or_default();
            of.push((share.key.as_str(), share.rows, share.of));
        }
    }
    let fresh = groups.iter().flat_map(|group| group.signatures.iter().map(move |s| (*s, group)));
    for (signature, group) in fresh {
        let Some(finding) = findings.get(&signature) else { continue };
        shares.entry(signature).or_insert_with(|| {
            let spots = spots_of(&finding.residual);
            let at = explained.iter().filter(|one| one.endpoint == finding.endpoint);
            let own = at
                .flat_map(|one| &one.causes)
                .filter(|cause| cause.sets.iter().any(|set| set.iter().eq(spots.iter())));
            let main = own.max_by_key(|cause| cause.figures.hits);
            vec![(main.map_or(group.fingerprint.as_str(), |cause| cause.key.as_str()), 1, 1)]
        });
    }
    shares
}

fn add<'a>(
    drafts: &mut BTreeMap<&'a str, Draft<'a>>,
    key: &'a str,
    share: f64,
    finding: &'a Finding,
    group: &'a Group,
    cause: Option<&'a Cause>,
) {
    let spots = spots_of(&finding.residual);
    let first = cause.and_then(|cause| cause.sets.first());
    // The places of the cause itself, not of a meeting with another one.
    let own = first.is_none_or(|set| set.iter().eq(spots.iter()));
    let weight = share * if own { 1e9 } else { 1.0 };
    let draft = drafts.entry(key).or_insert(Draft {
        endpoint: finding.endpoint,
        first_minute: finding.first_minute,
        cause,
        places: &finding.residual,
        most: weight,
        samples: Vec::new(),
    });
    draft.first_minute = draft.first_minute.min(finding.first_minute);
    if cause.is_none() && key == group.fingerprint {
        draft.places = &group.places;
        draft.endpoint = group.endpoint;
    } else if weight > draft.most {
        draft.places = &finding.residual;
        draft.endpoint = finding.endpoint;
        draft.most = weight;
    }
}

/// The cluster of a sample: of the causes its signature has, one whose terms hold.
fn home_of<'a>(
    sample: &SampleSeen,
    shares: &[KeyShare<'a>],
    causes: &BTreeMap<&str, &Cause>,
    finding: Option<&Finding>,
) -> &'a str {
    let most = shares.iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0)));
    let most = most.map_or("", |(key, ..)| *key);
    let (Some(row), true) = (&sample.row, shares.len() > 1) else { return most };
    let spots = finding.map(|finding| spots_of(&finding.residual)).unwrap_or_default();
    let holding = shares.iter().filter_map(|(key, ..)| {
        let cause = causes.get(key)?;
        let own = cause.sets.iter().any(|set| set.iter().eq(spots.iter()));
        is_met(cause, row).then_some((own, cause.figures.precision, *key))
    });
    let best = holding.max_by(|a, b| (a.0.cmp(&b.0)).then(a.1.total_cmp(&b.1)).then(b.2.cmp(a.2)));
    let rest = shares.iter().find(|(key, ..)| !causes.contains_key(key)).map(|(key, ..)| *key);
    best.map(|(_, _, key)| key).or(rest).unwrap_or(most)
}

/// Whether a row meets the terms of a cause, or is about one of its faulty things.
fn is_met(cause: &Cause, row: &Row) -> bool {
    if cause.kind == CauseKind::Data {
        let named = |value: &Scalar| match value {
            Scalar::Text(text) | Scalar::Token(text) => cause.entities.binary_search(text).is_ok(),
            Scalar::Number(_) => cause.entities.binary_search(&value.json().to_string()).is_ok(),
            Scalar::Null | Scalar::Bool(_) => false,
        };
        return row.cells.iter().any(|(_, value)| named(value));
    }
    let terms = cause.terms.iter().map(Term::read).collect::<Option<Vec<_>>>();
    terms.is_some_and(|terms| terms.iter().all(|term| term.holds(row)))
}

impl Draft<'_> {
    fn cluster(
        self,
        key: &str,
        (rows, faulty): (&Rows, &BTreeMap<&str, BTreeSet<&str>>),
        name: &dyn Fn(EndpointId) -> String,
    ) -> LearntCluster {
        let mut doc = title::document(self.places, &self.samples);
        if let Some(cause) = self.cause {
            let exact = rows.exact.get(&(counter(cause), cause.version.clone()));
            if !cause.terms.is_empty() {
                add_condition(&mut doc, cause, exact);
            }
            match (cause.kind, cause.since) {
                (CauseKind::Data, _) => {
                    let ids = faulty.get(key).into_iter().flatten();
                    let ids: Vec<String> = ids.map(|id| (*id).to_owned()).collect();
                    // What nothing can be named of is no fault of data that anybody could load.
                    if !ids.is_empty() {
                        title::kinds::data(&mut doc, ids);
                    }
                }
                (CauseKind::PrimaryChanged, Some(at)) => {
                    let version = cause.primary_version.as_deref();
                    title::kinds::primary_changed(&mut doc, at, version);
                }
                _ => {}
            }
        }
        let endpoint = name(self.endpoint);
        LearntCluster {
            fingerprint: key.to_owned(),
            endpoint: self.endpoint,
            first_minute: self.first_minute,
            words: title::search_words(&doc, &endpoint),
            doc,
        }
    }
}

/// Precision below which a condition says little beside a known origin.
const VAGUE: f64 = 0.9;

fn add_condition(doc: &mut ClusterDoc, cause: &Cause, exact: Option<&Exact>) {
    let figures = cause.figures;
    let terms: Vec<String> =
        cause.terms.iter().filter_map(Term::read).map(|term| term.text()).collect();
    title::kinds::without_reason(doc, &cause.terms);
    doc.title.push(TitlePart::Words("when".to_owned()));
    for (at, term) in terms.iter().enumerate() {
        if at > 0 {
            doc.title.push(TitlePart::Words("and".to_owned()));
        }
        doc.title.push(TitlePart::Condition(term.clone()));
    }
    if let Some(rule) = cause.notes.iter().find_map(|note| note.strip_prefix(THAT_IS)) {
        doc.title.push(TitlePart::Words(format!(", {}", THAT_IS.trim_end())));
        doc.title.push(TitlePart::Condition(rule.to_owned()));
    }
    if doc.cause_kind == "unexplained" {
        doc.cause_kind = "rule".to_owned();
    }
    let notes = if cause.notes.is_empty() {
        String::new()
    } else {
        format!(" ({})", cause.notes.join("; "))
    };
    let text = format!("{}{notes}", terms.join(" and "));
    let terms = cause.terms.clone();
    let confirmed = exact.filter(|exact| exact.standing(figures.precision) == Standing::Confirmed);
    let figures = confirmed.map_or(figures, Exact::figures);
    let mut condition = counted(text, terms, &figures);
    if let Some(exact) = confirmed {
        "confirmed".clone_into(&mut condition.status);
        let since = jiff::Timestamp::from_microsecond(exact.since);
        condition.counts.exact_since = since.ok().map(|at| at.to_string());
    }
    doc.conditions.push(condition);
    if let Some(word) = &cause.word
        && let Some(term) = Term::read(&word.term)
    {
        let terms = vec![word.term.clone()];
        doc.conditions.push(counted(term.text(), terms, &word.figures));
    }
}

/// A condition with its figures, not confirmed yet.
fn counted(text: String, terms: Vec<DocTerm>, figures: &Figures) -> DocCondition {
    DocCondition {
        text,
        terms,
        precision: figures.precision,
        recall: figures.recall,
        support: figures.hits,
        status: "candidate".to_owned(),
        counts: DocCounts {
            hits: figures.hits,
            covered: figures.hits + figures.spared,
            missed: figures.missed,
            others: figures.missed + figures.others,
            exact_since: None,
        },
    }
}

impl LearntCluster {
    /// The document with its counts in the sentence.
    #[must_use]
    pub fn published(&self) -> ClusterDoc {
        let mut doc = self.doc.clone();
        if let Some(condition) = doc.conditions.first() {
            doc.title.push(TitlePart::Words(condition.counts.sentence()));
        }
        doc
    }

    /// Of what follows from another cluster, a condition that is often not so is dropped, and one
    /// that says no more than which session or which thing it was: the cause is there.
    pub(super) fn without_vague_condition(&mut self) {
        let doc = &mut self.doc;
        let Some(condition) = doc.conditions.first() else { return };
        let says_who = |term: &crate::doc::DocTerm| {
            ["session.", "request.path."].iter().any(|place| term.field.starts_with(place))
        };
        if condition.precision >= VAGUE && !condition.terms.iter().all(says_who) {
            return;
        }
        doc.conditions.clear();
        let is_when = |part: &TitlePart| matches!(part, TitlePart::Words(words) if words == "when");
        if let Some(when) = doc.title.iter().rposition(is_when) {
            doc.title.truncate(when);
        }
        if doc.cause_kind == "rule" {
            "unexplained".clone_into(&mut doc.cause_kind);
        }
    }

    /// The document without figures: what it says.
    pub(super) fn saying(&self) -> ClusterDoc {
        let mut doc = self.doc.clone();
        for condition in &mut doc.conditions {
            condition.counts = DocCounts::default();
            (condition.precision, condition.recall, condition.support) = (0.0, 0.0, 0);
        }
        doc
    }
}
