//! The approval queues: what lies in them, and what comes next.

use std::collections::BTreeMap;

use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    answers::{Applicant, applicant, written},
    found, not_found, problem,
};
use crate::book::Application;

const NO_QUEUE: &str = "there is no such queue";
const USUAL_PAGE: usize = 20;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// Only what was submitted after this application.
    #[serde(default)]
    after: String,
    page_size: Option<usize>,
    country: Option<String>,
}

type Parameters = Result<Query<Asked>, QueryRejection>;

#[derive(Serialize)]
struct NextAnswer<'a> {
    queue: &'a str,
    due_at: String,
    behind: usize,
    application: Waiting<'a>,
}

#[derive(Serialize)]
struct Waiting<'a> {
    id: &'a str,
    loan_id: &'a str,
    amount: u64,
    country: &'a str,
    product: &'a str,
    submitted_at: String,
    applicant: Applicant<'a>,
}

/// The next application of a queue, the oldest first; looking does not claim it.
pub(super) async fn next(
    State(service): Shared,
    Path(queue): Path<String>,
    asked: Parameters,
) -> Response {
    let Ok(Query(asked)) = asked else { return bad_query() };
    let Some(all) = service.book.queue(&queue) else { return not_found(NO_QUEUE) };
    let mut rest = all.filter(|a| !a.on_hold && a.id > asked.after);
    let Some(next) = rest.next() else { return not_found("nothing is waiting in this queue") };
    let Some(customer) = service.book.customer_of(next) else {
        return not_found("there is no such customer");
    };
    found(NextAnswer {
        queue: &queue,
        due_at: written(service.policy.due_at(next)),
        behind: rest.count(),
        application: Waiting {
            id: &next.id,
            loan_id: &next.loan_id,
            amount: next.amount,
            country: next.country,
            product: next.product,
            submitted_at: written(next.submitted_at),
            applicant: applicant(customer),
        },
    })
}

#[derive(Serialize)]
struct ItemsAnswer<'a> {
    queue: &'a str,
    total: usize,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    loan_id: &'a str,
    amount: u64,
    country: &'a str,
    submitted_at: String,
    on_hold: bool,
}

pub(super) async fn items(
    State(service): Shared,
    Path(queue): Path<String>,
    asked: Parameters,
) -> Response {
    let Ok(Query(asked)) = asked else { return bad_query() };
    let Some(all) = service.book.queue(&queue) else { return not_found(NO_QUEUE) };
    let rest: Vec<&Application> = all.filter(|a| a.id > asked.after).collect();
    let size = service.policy.page_size(asked.page_size.unwrap_or(USUAL_PAGE));
    let items = rest.iter().take(size).map(|a| Item {
        id: &a.id,
        loan_id: &a.loan_id,
        amount: a.amount,
        country: a.country,
        submitted_at: written(a.submitted_at),
        on_hold: a.on_hold,
    });
    found(ItemsAnswer { queue: &queue, total: rest.len(), items: items.collect() })
}

#[derive(Default, Serialize)]
struct CountsAnswer<'a> {
    queue: &'a str,
    country: Option<&'a str>,
    total: u64,
    waiting: u64,
    on_hold: u64,
    amount: u64,
    by_product: BTreeMap<&'a str, u64>,
    by_channel: BTreeMap<&'a str, u64>,
    oldest_submitted_at: Option<String>,
}

pub(super) async fn counts(
    State(service): Shared,
    Path(queue): Path<String>,
    asked: Parameters,
) -> Response {
    let Ok(Query(asked)) = asked else { return bad_query() };
    let Some(all) = service.book.queue(&queue) else { return not_found(NO_QUEUE) };
    let country = asked.country.as_deref();
    let mut counts = CountsAnswer { queue: &queue, country, ..CountsAnswer::default() };
    for application in all.filter(|a| country.is_none_or(|country| a.country == country)) {
        counts.total += 1;
        counts.waiting += u64::from(service.policy.waits(application));
        counts.on_hold += u64::from(application.on_hold);
        counts.amount += application.amount;
        *counts.by_product.entry(application.product).or_default() += 1;
        *counts.by_channel.entry(application.channel).or_default() += 1;
        counts.oldest_submitted_at.get_or_insert_with(|| written(application.submitted_at));
    }
    found(counts)
}

fn bad_query() -> Response {
    problem(StatusCode::BAD_REQUEST, "the query is not readable")
}
