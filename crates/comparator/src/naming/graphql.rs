//! What the operations of a request to a GraphQL service are called, whichever way they came.
//!
//! Invariants:
//! - Read from the request alone: a JSON body, one operation or a batch; a bare document; a form
//!   with files; parameters of the URL. What was persisted at the service and comes as a hash
//!   alone is told by its operation name, else by that hash.
//! - No document is validated: what does not read says nothing.

mod document;

use exchange::Request;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use document::Definition;

/// Operations of one batch that are looked at.
const MOST_OPERATIONS: usize = 64;
/// Characters of a name that was made by nobody's grammar.
const LONGEST_NAME: usize = 80;
/// Of a hash, enough to tell it from others.
const LONGEST_HASH: usize = 12;

/// One operation that a request runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    name: Option<String>,
    /// What is selected at the root, without aliases.
    fields: Vec<String>,
    /// Where its text is at the service: the name under which it is kept there.
    persisted: Option<String>,
}

/// Everything one request runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    operations: Vec<Operation>,
    /// They came in a list, and so does the answer.
    batch: bool,
}

/// Whether path or media type say that a request goes to a GraphQL service.
pub(super) fn is_graphql(request: &Request) -> bool {
    let last = request.path().rsplit('/').find(|segment| !segment.is_empty());
    let named = last.is_some_and(|name| {
        name.eq_ignore_ascii_case("graphql") || name.eq_ignore_ascii_case("gql")
    });
    named || media_type(request).starts_with("application/graphql")
}

/// What a request runs; `None` where it holds no operation.
pub(super) fn asked(request: &Request) -> Option<Asked> {
    let (operations, batch) = match in_body(request) {
        Some((posted, batch)) => {
            (posted.iter().take(MOST_OPERATIONS).filter_map(Posted::operation).collect(), batch)
        }
        None => (in_url(request)?.operation().into_iter().collect::<Vec<_>>(), false),
    };
    (!operations.is_empty()).then_some(Asked { operations, batch })
}

impl Asked {
    /// `GetLoan`, of an operation without a name what it selects (`loan+queue`), of a batch
    /// `[GetLoan+GetQueue]`.
    pub(super) fn label(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for label in self.operations.iter().map(Operation::label) {
            if !names.contains(&label) {
                names.push(label);
            }
        }
        let joined = joined(&names);
        if self.batch { format!("[{joined}]") } else { joined }
    }
}

impl Operation {
    fn label(&self) -> String {
        match (&self.name, &self.persisted) {
            (Some(name), _) => plain(name),
            (None, Some(kept)) => format!("persisted:{}", plain(kept)),
            (None, None) => {
                let mut distinct = self.fields.clone();
                distinct.dedup();
                joined(&distinct)
            }
        }
    }
}

/// A few names by themselves, more by their number.
fn joined(names: &[String]) -> String {
    const MOST: usize = 4;
    match names {
        [] => "anonymous".into(),
        few if few.len() <= MOST => few.join("+"),
        many => format!("{}+{} more", many[..MOST - 1].join("+"), many.len() - MOST + 1),
    }
}

fn plain(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "_-.:".contains(c) { c } else { '_' };
    name.chars().take(LONGEST_NAME).map(fits).collect()
}

fn media_type(request: &Request) -> String {
    let whole = request.headers.get("content-type").unwrap_or_default();
    whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// One operation as clients post it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Posted {
    query: Value,
    #[serde(rename = "operationName")]
    operation_name: Value,
    extensions: Value,
    // Names under which services keep documents.
    id: Value,
    #[serde(rename = "documentId")]
    document_id: Value,
    #[serde(rename = "queryId")]
    query_id: Value,
    doc_id: Value,
}

impl Posted {
    fn operation(&self) -> Option<Operation> {
        let asked_for = self.operation_name.as_str().filter(|name| !name.is_empty());
        if let Some(text) = self.query.as_str().filter(|text| !text.trim().is_empty()) {
            let definitions = document::definitions(text);
            let found = definitions
                .iter()
                .find(|one| asked_for.is_some() && one.name.as_deref() == asked_for)
                .or(definitions.first());
            return found.map(Definition::operation);
        }
        let persisted = self.persisted();
        let named = asked_for.is_some() || persisted.is_some();
        named.then(|| Operation {
            name: asked_for.map(str::to_owned),
            fields: Vec::new(),
            persisted,
        })
    }

    fn persisted(&self) -> Option<String> {
        let hash = self.extensions.pointer("/persistedQuery/sha256Hash").and_then(Value::as_str);
        if let Some(hash) = hash {
            return Some(hash.chars().take(LONGEST_HASH).collect());
        }
        let names = [&self.document_id, &self.query_id, &self.doc_id, &self.id];
        names.into_iter().find_map(|name| match name {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }
}

impl Definition {
    fn operation(&self) -> Operation {
        let (name, fields) = (self.name.clone(), self.fields.clone());
        Operation { name, fields, persisted: None }
    }
}

/// What the body posts, and whether as a batch.
fn in_body(request: &Request) -> Option<(Vec<Posted>, bool)> {
    let body = request.body.as_ref();
    match media_type(request).as_str() {
        "application/graphql" => {
            let text = std::str::from_utf8(body).ok()?;
            Some((vec![Posted { query: text.into(), ..Posted::default() }], false))
        }
        "multipart/form-data" => posted(part_of_operations(body)?),
        "application/x-www-form-urlencoded" => {
            Some((vec![of_parameters(std::str::from_utf8(body).ok()?)?], false))
        }
        _ => posted(body),
    }
}

fn posted(json: &[u8]) -> Option<(Vec<Posted>, bool)> {
    match json.iter().find(|byte| !byte.is_ascii_whitespace())? {
        b'[' => Some((serde_json::from_slice(json).ok()?, true)),
        _ => Some((vec![serde_json::from_slice(json).ok()?], false)),
    }
}

/// The part of a form with files that says what they are for.
fn part_of_operations(body: &[u8]) -> Option<&[u8]> {
    const HEAD: &[u8] = b"name=\"operations\"";
    let find = |from: &[u8], what: &[u8]| from.windows(what.len()).position(|at| at == what);
    let part = body.get(find(body, HEAD)?..)?;
    let text = part.get(find(part, b"\r\n\r\n")? + 4..)?;
    text.get(..find(text, b"\r\n--")?)
}

fn in_url(request: &Request) -> Option<Posted> {
    of_parameters(request.query()?)
}

/// `query=…&operationName=…&extensions=…`
fn of_parameters(parameters: &str) -> Option<Posted> {
    let mut posted = Posted::default();
    for parameter in parameters.split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.replace('+', " ");
        let text = || Value::from(percent_decode_str(&value).decode_utf8_lossy().into_owned());
        match name {
            "query" => posted.query = text(),
            "operationName" => posted.operation_name = text(),
            "documentId" => posted.document_id = text(),
            "queryId" => posted.query_id = text(),
            "doc_id" => posted.doc_id = text(),
            "extensions" => {
                let json = percent_decode_str(&value).decode_utf8_lossy();
                posted.extensions = serde_json::from_str(&json).unwrap_or_default();
            }
            _ => {}
        }
    }
    posted.query.is_string().then_some(()).or_else(|| {
        let named = posted.operation_name.is_string() || posted.persisted().is_some();
        named.then_some(())
    })?;
    Some(posted)
}

#[cfg(test)]
mod tests;
