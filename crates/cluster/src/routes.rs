//! Parameters that only traffic shows: many distinct words at one position.
//!
//! The shape of a segment tells numbers and hashes from words; whether words are a closed set
//! (`/reports/daily`) or names of things (`/articles/garden-chairs`) only their number tells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::endpoint::{Template, label};

/// Below `parent` (a template, without the closing slash) every literal segment that is not
/// kept is a value of the parameter `name`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearntParameter {
    pub parent: String,
    pub name: String,
    /// Words that stay: they are asked far more often than the others.
    pub keep: Vec<String>,
    /// Only these letters with a number behind them are values; `""` stands for those of codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letters: Option<String>,
}

/// More distinct literals than this at one position are names of things.
const CLOSED_SET: usize = 30;
/// At the top of the path they are resources, and many services have dozens.
const CLOSED_SET_OF_RESOURCES: usize = 300;
/// So many numbered words of one kind are no few fixed ones.
const NUMBERED: usize = 4;
/// Up to this many literals must be asked seldom each; beyond it their number alone decides.
const OPEN_FOR_SURE: usize = 300;
/// Requests per literal, on average, that are still seldom.
const SELDOM: u64 = 50;

impl LearntParameter {
    fn takes(&self, segment: &str) -> bool {
        match &self.letters {
            Some(letters) if letters.is_empty() => is_code(segment),
            Some(letters) => numbered(segment) == Some(letters.as_str()),
            None => !self.keep.iter().any(|kept| kept == segment),
        }
    }
}

/// `template` with the learnt parameters in place of literals.
pub(crate) fn generalise(template: &str, parameters: &[LearntParameter]) -> String {
    if parameters.is_empty() {
        return template.to_owned();
    }
    let (path, label) = label::split(template);
    let mut built = Template::default();
    for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
        let learnt = parameters
            .iter()
            .find(|p| p.parent == built.text && is_literal(segment) && p.takes(segment));
        match (learnt, own_parameter(segment)) {
            (Some(parameter), _) => built.parameter(&parameter.name, ""),
            (None, Some((name, extension))) => built.parameter(name, extension),
            (None, None) => built.literal(segment),
        }
    }
    label::join(&built.text, label)
}

/// The parameters known so far and those that `seen` (templates by shape, with how often each
/// was asked) shows now. What was learnt is never unlearnt: counters only merge.
pub(crate) fn learn(known: &[LearntParameter], seen: &[(&str, u64)]) -> Vec<LearntParameter> {
    let mut parameters = known.to_vec();
    // A new parameter changes the parents of what is below it, so one level is taken at a time.
    while let Some(found) = shallowest_open(&parameters, seen) {
        parameters.push(found);
    }
    parameters
}

fn shallowest_open(known: &[LearntParameter], seen: &[(&str, u64)]) -> Option<LearntParameter> {
    let mut children: BTreeMap<(usize, String), BTreeMap<String, u64>> = BTreeMap::new();
    for (template, asked) in seen {
        let template = generalise(label::split(template).0, known);
        let mut parent = String::new();
        for (depth, segment) in template.split('/').skip(1).enumerate() {
            let literals = children.entry((depth, parent.clone())).or_default();
            *literals.entry(segment.to_owned()).or_default() += asked;
            parent.push('/');
            parent.push_str(segment);
        }
    }
    children.iter().find_map(|((_, parent), segments)| {
        let sibling = segments.keys().find_map(|segment| own_parameter(segment));
        let name = sibling.map_or_else(|| name_below(parent), |(name, _)| name.to_owned());
        let of_kind = |letters: &String| {
            let of_parent = |p: &&LearntParameter| p.parent == *parent;
            known.iter().filter(of_parent).any(|p| p.letters.as_ref().is_none_or(|l| l == letters))
        };
        let numbered = of_one_kind(parent, segments.keys(), sibling.is_some());
        if let Some(letters) = numbered.filter(|letters| !of_kind(letters)) {
            let (parent, keep, letters) = (parent.clone(), Vec::new(), Some(letters));
            return Some(LearntParameter { parent, name, keep, letters });
        }
        let already = known.iter().any(|p| p.parent == *parent && p.letters.is_none());
        let literals = || segments.iter().filter(|(segment, _)| is_literal(segment));
        let counts: Vec<u64> = literals().map(|(_, asked)| *asked).collect();
        if already || !is_open(parent, &counts) {
            return None;
        }
        let often = often_asked(&counts);
        let keep = literals().filter(|(_, asked)| **asked >= often).map(|(s, _)| s.clone());
        let (parent, keep) = (parent.clone(), keep.collect());
        Some(LearntParameter { parent, name, keep, letters: None })
    })
}

/// The letters of which so many are followed by a number (`L0` to `L9`) that they are names of
/// things; beside ids two are enough. `""` where codes of different letters are (`A1`, `B4`).
fn of_one_kind<'a>(
    parent: &str,
    segments: impl Iterator<Item = &'a String>,
    beside_ids: bool,
) -> Option<String> {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for letters in segments.filter_map(|segment| numbered(segment)) {
        *kinds.entry(letters).or_default() += 1;
    }
    let least = if beside_ids { 2 } else { NUMBERED };
    let found = kinds.iter().find(|(_, count)| **count >= least && has_resource(parent));
    let codes = || {
        let several = kinds.iter().filter(|(letters, _)| are_of_code(letters));
        several.map(|(_, count)| count).sum::<usize>() >= least && has_resource(parent)
    };
    match found {
        Some((letters, _)) => Some((*letters).to_owned()),
        None => codes().then(String::new),
    }
}

/// `A1`, `ZB4`: what people call areas, lines and rooms.
fn is_code(segment: &str) -> bool {
    numbered(segment).is_some_and(are_of_code)
}

fn are_of_code(letters: &str) -> bool {
    letters.len() <= 3 && letters.bytes().all(|b| b.is_ascii_uppercase())
}

/// The letters of `L0`, `desk-12`; of a version none.
fn numbered(segment: &str) -> Option<&str> {
    let start = segment.trim_end_matches(|c: char| c.is_ascii_digit());
    let letters = start.trim_end_matches(['-', '_']);
    let is_kind = (1..=12).contains(&letters.len())
        && letters.bytes().all(|b| b.is_ascii_alphabetic())
        && start.len() < segment.len()
        && !crate::shape::is_version(segment);
    is_kind.then_some(letters)
}

fn is_open(parent: &str, counts: &[u64]) -> bool {
    let bound = if has_resource(parent) { CLOSED_SET } else { CLOSED_SET_OF_RESOURCES };
    let asked: u64 = counts.iter().sum();
    counts.len() > bound
        && (counts.len() > OPEN_FOR_SURE || asked <= SELDOM.saturating_mul(counts.len() as u64))
}

/// Whether the path already names what is asked for (`/api/v1` does not).
fn has_resource(parent: &str) -> bool {
    parent.split('/').any(|segment| {
        is_literal(segment)
            && !crate::shape::is_version(segment)
            && !matches!(segment, "api" | "rest" | "public" | "internal")
    })
}

/// Asked this often, a word next to many others is an action and not one of them.
fn often_asked(counts: &[u64]) -> u64 {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
    median.saturating_mul(20).max(50)
}

/// `/queues` gives `queue`, `/api/categories` gives `category`.
fn name_below(parent: &str) -> String {
    let literal = parent.rsplit('/').find(|segment| is_literal(segment)).unwrap_or("id");
    let word: String =
        literal.chars().filter(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '-')).collect();
    let word = word.replace('-', "_").to_ascii_lowercase();
    let singular = if let Some(stem) = word.strip_suffix("ies") {
        format!("{stem}y")
    } else if word.ends_with("ss") || word.len() < 3 {
        word
    } else {
        word.strip_suffix('s').unwrap_or(&word).to_owned()
    };
    if singular.is_empty() { "id".into() } else { singular }
}

fn is_literal(segment: &str) -> bool {
    !segment.is_empty() && segment != "*" && !segment.starts_with('{')
}

/// Name (without its number) and extension of `{id2}.json`.
fn own_parameter(segment: &str) -> Option<(&str, &str)> {
    let (name, extension) = segment.strip_prefix('{')?.split_once('}')?;
    Some((name.trim_end_matches(|c: char| c.is_ascii_digit()), extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(paths: &[(String, u64)]) -> Vec<LearntParameter> {
        let seen: Vec<(&str, u64)> = paths.iter().map(|(p, n)| (p.as_str(), *n)).collect();
        learn(&[], &seen)
    }

    fn slugs(parent: &str, count: usize, asked: u64) -> Vec<(String, u64)> {
        let letter = |n: usize| char::from(b'a' + (n % 26) as u8);
        (0..count)
            .map(|n| (format!("{parent}/slug-{}{}", letter(n), letter(n / 26)), asked))
            .collect()
    }

    #[test]
    fn many_names_become_a_parameter_named_after_what_they_are() {
        let found = learnt(&slugs("/articles", 40, 2));
        assert_eq!(generalise("/articles/never-seen", &found), "/articles/{article}");
        assert_eq!(
            generalise("/articles/never-seen/notes/{id}", &found),
            "/articles/{article}/notes/{id}"
        );
        assert_eq!(generalise("/articles", &found), "/articles");
        assert_eq!(generalise("/articles/", &found), "/articles/");
        assert_eq!(generalise("/other/never-seen", &found), "/other/never-seen");
    }

    #[test]
    fn a_closed_set_stays_literal() {
        assert_eq!(learnt(&slugs("/reports", 30, 2)), []);
        assert_eq!(learnt(&slugs("/countries", 60, 5_000)), []);
    }

    #[test]
    fn resources_at_the_top_stay_literal() {
        assert_eq!(learnt(&slugs("", 60, 2)), []);
        assert_eq!(learnt(&slugs("/api/v1", 60, 2)), []);
    }

    #[test]
    fn an_action_among_names_is_kept() {
        let mut paths = slugs("/articles", 40, 2);
        paths.push(("/articles/search".into(), 900));
        let found = learnt(&paths);
        assert_eq!(generalise("/articles/search", &found), "/articles/search");
        assert_eq!(generalise("/articles/x", &found), "/articles/{article}");
    }

    #[test]
    fn names_beside_ids_join_their_parameter_and_later_ones_are_numbered() {
        let mut paths = slugs("/shops/{id}/items", 40, 1);
        paths.push(("/shops/{id}/items/{id2}".into(), 5));
        let found = learnt(&paths);
        assert_eq!(
            generalise("/shops/{id}/items/x/{id2}", &found),
            "/shops/{id}/items/{id2}/{id3}"
        );
    }

    #[test]
    fn operations_at_one_path_stay_apart_however_many() {
        let operations: Vec<(String, u64)> = (0..60)
            .map(|n| {
                (
                    format!(
                        "/api/graphql#Get{}",
                        char::from(b'A' + n % 26).to_string().repeat(1 + n as usize / 26)
                    ),
                    1,
                )
            })
            .collect();
        assert_eq!(learnt(&operations), []);
        let found = learnt(&slugs("/articles", 40, 2));
        assert_eq!(generalise("/articles/never-seen#csv", &found), "/articles/{article}#csv");
    }

    #[test]
    fn numbered_words_of_one_kind_are_ids() {
        let of = |parent: &str, letters: &str, count: usize| -> Vec<(String, u64)> {
            (0..count).map(|n| (format!("{parent}/{letters}{n}/next"), 900)).collect()
        };
        let mut paths = of("/queues", "Q", 4);
        paths.push(("/queues/approval/next".into(), 400));
        let found = learnt(&paths);
        assert_eq!(generalise("/queues/Q7/next", &found), "/queues/{queue}/next");
        assert_eq!(generalise("/queues/approval/next", &found), "/queues/approval/next");
        assert_eq!(learn(&found, &[("/queues/Q9/next", 1)]), found);
        assert_eq!(learnt(&of("/queues", "Q", 3)), []);
        assert_eq!(learnt(&of("/api", "v", 5)), []);
        let zones = |names: &[&str]| -> Vec<(String, u64)> {
            names.iter().map(|zone| (format!("/zones/{zone}/permits"), 900)).collect()
        };
        let found = learnt(&zones(&["A1", "A2", "B1", "L2"]));
        assert_eq!(generalise("/zones/ZM1/permits", &found), "/zones/{zone}/permits");
        assert_eq!(generalise("/zones/all/permits", &found), "/zones/all/permits");
        assert_eq!(learn(&found, &[("/zones/L9/permits", 1)]), found);
        assert_eq!(learnt(&zones(&["A1", "A2", "B1", "all"])), []);
        assert_eq!(learnt(&zones(&["s3", "ec2", "oauth2", "base64"])), []);
        let beside = vec![("/loans/{id}".to_owned(), 90), ("/loans/L0".to_owned(), 2)];
        assert_eq!(learnt(&beside), []);
        let beside = [beside, vec![("/loans/L1".to_owned(), 2)]].concat();
        assert_eq!(generalise("/loans/L5", &learnt(&beside)), "/loans/{id}");
    }

    #[test]
    fn levels_are_learnt_from_the_top() {
        let teams = slugs("/teams", 40, 1);
        let members = slugs("/members", 40, 1);
        let paths: Vec<(String, u64)> = teams
            .iter()
            .zip(&members)
            .map(|((team, _), (member, _))| (format!("{team}{member}"), 1))
            .collect();
        let found = learnt(&paths);
        assert_eq!(generalise("/teams/x/members/y", &found), "/teams/{team}/members/{member}");
        let again = learn(&found, &[("/teams/x/members/y", 1)]);
        assert_eq!(again, found);
    }
}
