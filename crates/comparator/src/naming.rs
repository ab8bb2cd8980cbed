//! `[[endpoint]]`, and which endpoint a request belongs to.
//!
//! The path gives the template: a pinned one, else what shape and traffic say. Where one path
//! serves many operations, or answers in several forms, a label tells them apart
//! (`/graphql#GetLoan`, `/loans/{id}#csv`): the first of
//!
//! 1. what `by` of the route names;
//! 2. the operations of a request to a GraphQL service;
//! 3. the media type of the primary's answer, where the request names it in `Accept` and it is
//!    not the JSON that a service gives to those who do not ask.

mod graphql;
mod operation;

use cluster::{Model, Pins, endpoint::label};
use exchange::{Request, Response};
use serde::Deserialize;

use crate::config::CompareConfigError;
use operation::By;

/// One entry of `[[endpoint]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// `GET /articles/{slug}`: wins over what is learnt.
    pub route: String,
    /// What tells operations of one URL apart: `header:NAME`, `body:FIELD`, `query:NAME`,
    /// `graphql`, `soap`, or `none` for no label at all.
    pub by: Option<String>,
}

/// The entries, checked.
#[derive(Debug, Default)]
pub(crate) struct Naming {
    pub(crate) pins: Pins,
    /// By place of the route.
    by: Vec<Option<By>>,
}

impl Naming {
    pub(crate) fn compile(endpoints: &[EndpointConfig]) -> Result<Self, CompareConfigError> {
        let mut naming = Self::default();
        for (at, entry) in endpoints.iter().enumerate() {
            let wrong = |problem: &str| {
                let (index, route, problem) = (at + 1, entry.route.clone(), problem.to_owned());
                CompareConfigError::Endpoint { index, route, problem }
            };
            naming.pins.add(&entry.route).map_err(wrong)?;
            let by = entry.by.as_deref().map(By::parse).transpose().map_err(wrong)?;
            naming.by.push(by);
        }
        Ok(naming)
    }

    /// The template of a request's endpoint; `answer` is the primary's.
    pub(crate) fn template(&self, model: &Model, request: &Request, answer: &Response) -> String {
        let pin = self.pins.find(&request.method, request.path());
        let by = pin.and_then(|(at, _)| self.by.get(at)?.as_ref());
        let template = match pin {
            Some((_, template)) => template.to_owned(),
            None => model.template(request.path()),
        };
        let label = match by {
            Some(by) => by.label(request),
            None if graphql::is_graphql(request) => By::Graphql.label(request),
            None => form(request, answer),
        };
        match label {
            Some(text) => label::join(&template, Some(&label::of(&text))),
            None => template,
        }
    }
}

/// The form of the answer that was asked for, where it is a special one.
fn form(request: &Request, answer: &Response) -> Option<String> {
    let accept = request.headers.get("accept")?;
    let (given, version) = media_type(answer.headers.get("content-type")?);
    let named =
        accept.split(',').map(media_type).any(|asked| asked == (given.clone(), version.clone()));
    let usual = ["application/json", "application/problem+json", "text/json"];
    if !named || (usual.contains(&given.as_str()) && version.is_none()) {
        return None;
    }
    let (_, subtype) = given.split_once('/')?;
    Some(match version {
        Some(version) => format!("{subtype}+{version}"),
        None => subtype.to_owned(),
    })
}

/// Type and subtype, and the parameter that says another form of them.
fn media_type(text: &str) -> (String, Option<String>) {
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let forms = ["version", "v", "profile", "api-version"];
    let form = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let form = forms.iter().find(|form| name.trim().eq_ignore_ascii_case(form))?;
        Some(format!("{form}={}", value.trim().trim_matches('"')))
    });
    (essence, form)
}

#[cfg(test)]
mod tests;
