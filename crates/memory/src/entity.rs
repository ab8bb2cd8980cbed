//! What names say about values: `loan_id` names a loan, `/loans/7` too, `id` the thing at hand.

use std::{cell::RefCell, collections::HashMap};

/// What the name of a field, parameter or header says of its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// `id`, `uuid`: the thing that the surroundings are about.
    Own,
    /// `loan_id`, `loanIds`: a thing of this entity.
    Of(String),
    /// A credential or the like: `csrf_token`, `sid`.
    Token,
    /// `request_id`, `traceId`: made for each answer, named by nobody again.
    Trace,
    /// `parent`, `in_reply_to`: another thing of the kind at hand; with the word.
    Kin(String),
    /// `href`, `self`, `avatar_url`.
    Link,
    /// The name is a word, in the form of an entity's.
    Word(String),
}

const IDS: &[&str] = &["id", "ids", "uuid", "uuids", "guid", "guids", "oid"];
/// Names of things that are no plain numbers: `order_number`, `ref`.
const NUMBERS: &[&str] = &["number", "no", "nr", "ref", "reference", "key"];
const TOKENS: &[&str] = &[
    "token",
    "tokens",
    "csrf",
    "xsrf",
    "nonce",
    "jwt",
    "session",
    "sid",
    "ticket",
    "secret",
    "bearer",
    "authenticity",
    "csrfmiddlewaretoken",
    "requestverificationtoken",
];
const TRACES: &[&str] = &["request", "trace", "span", "correlation", "transaction", "event"];
/// Words for another thing of the same kind, in the form of an entity's.
const KIN: &[&str] = &[
    "parent",
    "root",
    "ancestor",
    "child",
    "replyto",
    "inreplyto",
    "repliesto",
    "predecessor",
    "successor",
    "duplicateof",
    "mergedinto",
    "supersede",
    "supersededby",
];
/// Segments that say what is done, or that an id follows, and not of what kind: `/loans/new`,
/// `/id/7`, `/delete/7`.
const DOINGS: &[&str] = &[
    "new", "create", "add", "insert", "submit", "register", "store", "save", "update", "edit",
    "get", "show", "view", "read", "find", "delete", "remove", "by", "byid",
];
const LINKS: &[&str] = &["href", "self", "url", "uri", "link", "location"];
/// Members that only wrap what they hold.
const WRAPPERS: &[&str] = &[
    "data",
    "item",
    "result",
    "content",
    "record",
    "row",
    "entry",
    "list",
    "value",
    "payload",
    "body",
    "response",
    "attribute",
    "embedded",
    "_embedded",
    "edge",
    "node",
    "page",
    "object",
    "doc",
    "hit",
    "input",
    "variable",
    "param",
    "meta",
    "collection",
    "member",
];

/// Names whose naming is remembered by each thread, and how long they may be.
const REMEMBERED: usize = 4_096;
const LONGEST_REMEMBERED: usize = 64;

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, Naming>> = RefCell::default();
}

/// What a name says of the value under it. Bodies repeat their names: each is read once.
#[must_use]
pub fn naming(name: &str) -> Naming {
    if name.len() > LONGEST_REMEMBERED {
        return read(name);
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(naming) = known.get(name) {
            return naming.clone();
        }
        // Where keys are data there is no end of names.
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let naming = read(name);
        known.insert(name.into(), naming.clone());
        naming
    })
}

fn read(name: &str) -> Naming {
    let words = words(name);
    let Some((last, before)) = words.split_last() else { return Naming::Word(String::new()) };
    if words.iter().any(|word| TOKENS.contains(&word.as_str())) {
        return Naming::Token;
    }
    if IDS.contains(&last.as_str()) {
        return match before {
            [] => Naming::Own,
            [.., word] if TRACES.contains(&word.as_str()) => Naming::Trace,
            _ => match joined(before) {
                kin if KIN.contains(&kin.as_str()) => Naming::Kin(kin),
                entity => Naming::Of(entity),
            },
        };
    }
    if let [first, rest @ ..] = words.as_slice()
        && IDS.contains(&first.as_str())
        && !rest.is_empty()
    {
        return Naming::Of(joined(rest));
    }
    if LINKS.contains(&last.as_str()) {
        return Naming::Link;
    }
    match joined(&words) {
        kin if KIN.contains(&kin.as_str()) => Naming::Kin(kin),
        word => Naming::Word(word),
    }
}

/// Whether a path segment says nothing of the kind of what follows it.
pub(crate) fn is_doing(entity: &str) -> bool {
    DOINGS.contains(&entity) || IDS.contains(&entity)
}

/// Whether a name may stand for an id that is no plain number: `number`, `orderRef`. With its
/// entity, where it says one.
pub(crate) fn numbering(name: &str) -> Option<Option<String>> {
    let words = words(name);
    let (last, before) = words.split_last()?;
    NUMBERS.contains(&last.as_str()).then(|| (!before.is_empty()).then(|| joined(before)))
}

/// The entity that a path segment or member name collects: `loan-applications` is
/// `loanapplication`. `None` where it is no word.
pub(crate) fn entity(word: &str) -> Option<String> {
    let wordlike = word.len() <= 64
        && word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_alphabetic() || matches!(c, '_' | '-'));
    wordlike.then(|| joined(&words(word))).filter(|entity| !entity.is_empty())
}

/// The entity that a person means by a word: `Loans` is `loan`.
#[must_use]
pub fn entity_of(word: &str) -> String {
    joined(&words(word))
}

/// As [`entity`], without members that only wrap.
#[must_use]
pub fn context(member: &str) -> Option<String> {
    entity(member).filter(|entity| !WRAPPERS.contains(&entity.as_str()))
}

fn joined(words: &[String]) -> String {
    let Some((last, before)) = words.split_last() else { return String::new() };
    let mut text = before.concat();
    text.push_str(&singular(last));
    text
}

fn singular(word: &str) -> String {
    let cut = |by: usize, add: &str| format!("{}{add}", &word[..word.len() - by]);
    if word.len() > 4 && word.ends_with("ies") {
        return cut(3, "y");
    }
    if ["sses", "shes", "ches", "xes", "zes"].iter().any(|end| word.ends_with(end)) {
        return cut(2, "");
    }
    let keeps = ["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    if word.len() > 2 && word.ends_with('s') && !keeps { cut(1, "") } else { word.to_owned() }
}

/// The words of `loanApplicationID`, `loan_application_id`, `X-Loan-Id`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = name.chars().take(128).collect();
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| chars.get(before));
        let after_small = before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit());
        let hump = c.is_uppercase()
            && (after_small
                || (before.is_some_and(|b| b.is_uppercase())
                    && chars.get(at + 1).is_some_and(|next| next.is_lowercase())
                    // `IDs` is one word.
                    && !(chars.get(at + 1) == Some(&'s') && at + 2 == chars.len())));
        if (hump || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_their_values_are() {
        let of = |entity: &str| Naming::Of(entity.to_owned());
        let table = [
            ("id", Naming::Own),
            ("_id", Naming::Own),
            ("ID", Naming::Own),
            ("uuid", Naming::Own),
            ("loan_id", of("loan")),
            ("loanId", of("loan")),
            ("loanID", of("loan")),
            ("loanIDs", of("loan")),
            ("categories_ids", of("category")),
            ("LoanApplicationId", of("loanapplication")),
            ("id_customer", of("customer")),
            ("request_id", Naming::Trace),
            ("traceId", Naming::Trace),
            ("parent", Naming::Kin("parent".into())),
            ("parent_id", Naming::Kin("parent".into())),
            ("inReplyTo", Naming::Kin("inreplyto".into())),
            ("csrf_token", Naming::Token),
            ("X-CSRF-Token", Naming::Token),
            ("accessToken", Naming::Token),
            ("self", Naming::Link),
            ("avatar_url", Naming::Link),
            ("amount", Naming::Word("amount".into())),
            ("paid", Naming::Word("paid".into())),
            ("", Naming::Word(String::new())),
        ];
        for (name, says) in table {
            assert_eq!(naming(name), says, "{name}");
        }
    }

    #[test]
    fn collections_are_named_by_one_of_them() {
        let table = [
            ("loans", Some("loan")),
            ("loan-applications", Some("loanapplication")),
            ("categories", Some("category")),
            ("addresses", Some("address")),
            ("boxes", Some("box")),
            ("status", Some("status")),
            ("v1", None),
            ("7", None),
            ("L48211", None),
        ];
        for (word, one) in table {
            assert_eq!(entity(word).as_deref(), one, "{word}");
        }
        assert_eq!(context("items"), None);
        assert_eq!(context("loan"), Some("loan".into()));
    }
}
