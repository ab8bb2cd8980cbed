//! Which clusters a reviewer looks at: filters, order and place, all of them in the URL.
//!
//! A cluster's page carries the same parameters, so that "next" means next in that list.

use serde::Deserialize;

use super::Look;
use crate::{
    api::{ApiError, Cluster, ClustersQuery, Sort, clusters_of},
    ledger::Scope,
    words,
};

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct List {
    pub(crate) version: String,
    pub(crate) endpoint: String,
    pub(crate) slice: String,
    /// `open` unless told.
    pub(crate) state: String,
    pub(crate) cause: String,
    pub(crate) repeat: String,
    pub(crate) owner: String,
    /// Words; `owner:mara` and the like among them become filters.
    pub(crate) q: String,
    pub(crate) sort: String,
    /// `hours`: sparklines by time instead of by version.
    pub(crate) spark: String,
    pub(crate) theme: String,
}

/// A parameter by its name in the URL.
type Named<'a> = (&'static str, &'a str);

/// Those of a list that can be typed into the search as `name:value`.
const TOKENS: [&str; 7] = ["slice", "endpoint", "version", "cause", "repeat", "owner", "state"];

impl List {
    pub(crate) fn parameters(&self) -> [Named<'_>; 11] {
        [
            ("q", &self.q),
            ("version", &self.version),
            ("endpoint", &self.endpoint),
            ("slice", &self.slice),
            ("state", &self.state),
            ("cause", &self.cause),
            ("repeat", &self.repeat),
            ("owner", &self.owner),
            ("sort", &self.sort),
            ("spark", &self.spark),
            ("theme", &self.theme),
        ]
    }

    /// This list at `path` with some parameters changed; what is not one of its own is added.
    pub(crate) fn link(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let own = self.parameters();
        let changed = |name: &str| changes.iter().find(|(other, _)| *other == name);
        let mut merged: Vec<(&str, &str)> = own
            .iter()
            .map(|(name, value)| (*name, changed(name).map_or(*value, |(_, value)| *value)))
            .collect();
        let is_own = |name: &str| own.iter().any(|(other, _)| *other == name);
        merged.extend(changes.iter().copied().filter(|(name, _)| !is_own(name)));
        words::link(path, &merged)
    }

    /// What was typed as `name:value` into the search becomes a filter.
    pub(crate) fn with_tokens(mut self) -> Self {
        let mut rest = Vec::new();
        for word in split(&self.q) {
            match word
                .split_once(':')
                .filter(|(name, value)| TOKENS.contains(name) && !value.is_empty())
            {
                Some((name, value)) => *self.place(name) = value.to_owned(),
                None => rest.push(word),
            }
        }
        self.q = rest.join(" ");
        self
    }

    fn place(&mut self, name: &str) -> &mut String {
        match name {
            "slice" => &mut self.slice,
            "endpoint" => &mut self.endpoint,
            "version" => &mut self.version,
            "cause" => &mut self.cause,
            "repeat" => &mut self.repeat,
            "owner" => &mut self.owner,
            _ => &mut self.state,
        }
    }

    /// Filters in force beside the state: each as a token, with the link that drops it.
    pub(crate) fn tokens(&self, path: &str) -> Vec<(String, String)> {
        self.parameters()
            .into_iter()
            .filter(|(name, value)| TOKENS.contains(name) && *name != "state" && !value.is_empty())
            .map(|(name, value)| {
                (format!("{name}:{}", spoken(value)), self.link(path, &[(name, "")]))
            })
            .collect()
    }

    pub(crate) fn state(&self) -> &str {
        if self.state.is_empty() { "open" } else { &self.state }
    }

    pub(crate) fn is_filtered(&self) -> bool {
        let by = [&self.q, &self.endpoint, &self.slice, &self.cause, &self.repeat, &self.owner];
        by.iter().any(|text| !text.is_empty()) || self.state() != "open"
    }

    /// Clusters of every state that fit the other filters, in the order of the list: regressed,
    /// new, known, accepted, fixed; within each as sorted.
    pub(crate) fn clusters(&self, look: &Look, scope: &Scope) -> Result<Vec<Cluster>, ApiError> {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let query = ClustersQuery {
            version: Some(scope.version().unwrap_or("all").to_owned()),
            endpoint: text(&self.endpoint),
            slice: text(&self.slice),
            state: Some("any".to_owned()),
            cause: text(&self.cause),
            repeatability: text(&self.repeat),
            owner: text(&self.owner),
            q: text(&self.q),
            sort: Some(match self.sort.as_str() {
                "first_seen" => Sort::FirstSeen,
                "last_seen" => Sort::LastSeen,
                "count" => Sort::Count,
                _ => Sort::Severity,
            }),
            limit: Some(u32::MAX),
            cursor: None,
        };
        let mut clusters = clusters_of(&look.ledger, &query)?.clusters;
        clusters.sort_by_key(|cluster| rank(&cluster.state));
        Ok(clusters)
    }
}

/// Whether a cluster is of the state a list shows.
pub(crate) fn is_of(cluster: &Cluster, state: &str) -> bool {
    match state {
        "any" => true,
        "open" => !matches!(cluster.state.as_str(), "accepted" | "fixed"),
        state => cluster.state == state,
    }
}

fn rank(state: &str) -> usize {
    ["regressed", "new", "known", "accepted", "fixed"]
        .iter()
        .position(|one| *one == state)
        .unwrap_or(usize::MAX)
}

/// Words; what stands in quotes is one.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for letter in text.chars() {
        match letter {
            '"' => quoted = !quoted,
            letter if letter.is_whitespace() && !quoted => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
            }
            letter => word.push(letter),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

fn spoken(value: &str) -> String {
    if value.contains(char::is_whitespace) { format!("\"{value}\"") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_typed_into_the_search_become_parameters() {
        let q = "amount owner:Mara endpoint:\"GET /loans/{id}\" http://x cause:".to_owned();
        let list = List { q, ..List::default() }.with_tokens();
        assert_eq!(list.owner, "Mara");
        assert_eq!(list.endpoint, "GET /loans/{id}");
        assert_eq!(list.q, "amount http://x cause:");
        let tokens = list.tokens("/clusters");
        assert_eq!(tokens[0].0, "endpoint:\"GET /loans/{id}\"");
        assert!(!tokens[0].1.contains("endpoint"), "{}", tokens[0].1);
    }

    #[test]
    fn links_keep_the_list_and_take_what_is_new() {
        let list = List { q: "a b".into(), state: "fixed".into(), ..List::default() };
        assert_eq!(
            list.link("/clusters", &[("state", ""), ("at", "C-1")]),
            "/clusters?q=a+b&at=C-1"
        );
    }
}
