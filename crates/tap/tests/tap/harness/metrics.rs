//! A strict reader of the Prometheus text exposition format, version 0.0.4.

use std::collections::{BTreeMap, BTreeSet};

/// One scrape.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    samples: BTreeMap<(String, Vec<(String, String)>), f64>,
}

impl Metrics {
    /// Fails on whatever a scraper could refuse: a sample without HELP and TYPE before it, a
    /// family in two places, a name or label that is none, a sample twice, a counter below zero.
    pub(crate) fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line does not end");
        let mut metrics = Self::default();
        let mut families = BTreeSet::new();
        let (mut helped, mut family, mut kind) = (String::new(), String::new(), String::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect(line);
                assert!(is_name(name) && !help.is_empty(), "{line}");
                assert!(families.insert(name.to_owned()), "{name} is in two places");
                helped = name.to_owned();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, of_kind) = rest.split_once(' ').expect(line);
                assert_eq!(name, helped, "TYPE without HELP");
                assert!(["counter", "gauge"].contains(&of_kind), "{line}");
                (family, kind) = (name.to_owned(), of_kind.to_owned());
                assert_eq!(kind == "counter", family.ends_with("_total"), "{line}");
            } else {
                let (name, labels, value) = sample(line);
                assert_eq!(name, family, "a sample outside its family: {line}");
                assert!(value.is_finite() && (kind != "counter" || value >= 0.0), "{line}");
                let before = metrics.samples.insert((name, labels), value);
                assert_eq!(before, None, "twice: {line}");
            }
        }
        metrics
    }

    pub(crate) fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
        let owned = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let value = self.samples.get(&(name.to_owned(), owned.collect()))?;
        Some(*value as u64)
    }

    /// Over all labels.
    pub(crate) fn sum(&self, name: &str) -> u64 {
        let own = self.samples.iter().filter(|((of, _), _)| of == name);
        own.map(|(_, value)| *value).sum::<f64>() as u64
    }

    /// Every value of every label.
    pub(crate) fn label_values(&self) -> BTreeSet<&str> {
        let labels = self.samples.keys().flat_map(|(_, labels)| labels);
        labels.map(|(_, value)| value.as_str()).collect()
    }

    /// What requests were accounted for as.
    pub(crate) fn fates(&self) -> u64 {
        ["sampled_out", "not_copied", "dropped", "captured"]
            .iter()
            .map(|fate| self.sum(&format!("understudy_tap_{fate}_total")))
            .sum()
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

type Sample = (String, Vec<(String, String)>, f64);

fn sample(line: &str) -> Sample {
    let name_end = line.find(['{', ' ']).expect(line);
    let (name, rest) = line.split_at(name_end);
    assert!(is_name(name), "{line}");
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest, line),
        None => (Vec::new(), rest),
    };
    let value = value.strip_prefix(' ').expect(line).parse().expect(line);
    (name.to_owned(), labels, value)
}

fn labels<'a>(mut rest: &'a str, line: &str) -> (Vec<(String, String)>, &'a str) {
    let mut labels: Vec<(String, String)> = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"").expect(line);
        assert!(is_name(name) && labels.iter().all(|(known, _)| known != name), "{line}");
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().expect(line) {
                (at, '"') => break at + 1,
                (_, '\\') => value.push(match chars.next().expect(line).1 {
                    'n' => '\n',
                    escaped @ ('\\' | '"') => escaped,
                    other => panic!("no escape: {other}: {line}"),
                }),
                (_, plain) => value.push(plain),
            }
        };
        labels.push((name.to_owned(), value));
        rest = after.get(end..).expect(line);
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return (labels, rest.strip_prefix('}').expect(line)),
        }
    }
}
