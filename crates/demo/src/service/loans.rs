//! The bodies of the answers about loans: decision and offers.

use jiff::ToSpan;
use serde::Serialize;

use super::answers::written;
use crate::{
    book::{Application, Customer, Offer, Reason},
    policy::{Decision, Policy},
};

#[derive(Serialize)]
pub(super) struct DecisionAnswer<'a> {
    loan_id: &'a str,
    application_id: &'a str,
    customer_id: &'a str,
    decision: Decision,
    amount: u64,
    currency: &'static str,
    country: &'a str,
    product: &'a str,
    term_months: u64,
    channel: &'a str,
    score: Score,
    reasons: Vec<Reason>,
    checks: [Check; 4],
    requested_at: String,
}

#[derive(Serialize)]
struct Score {
    value: u64,
    class: &'static str,
    model: &'static str,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    result: &'static str,
    limit: u64,
    value: u64,
}

pub(super) fn decision<'a>(
    loan: &'a Application,
    customer: &'a Customer,
    policy: &Policy,
) -> DecisionAnswer<'a> {
    let check = |name, value, limit| Check {
        name,
        result: if value <= limit { "PASSED" } else { "NOTED" },
        limit,
        value,
    };
    let instalment = loan.amount / loan.term_months;
    DecisionAnswer {
        loan_id: &loan.loan_id,
        application_id: &loan.id,
        customer_id: &customer.id,
        decision: policy.decision(loan, customer),
        amount: loan.amount,
        currency: "EUR",
        country: loan.country,
        product: loan.product,
        term_months: loan.term_months,
        channel: loan.channel,
        score: Score {
            value: loan.score,
            class: match loan.score {
                ..450 => "D",
                450..600 => "C",
                600..800 => "B",
                _ => "A",
            },
            model: "bureau-2025-11",
        },
        reasons: policy.reasons(loan),
        checks: [
            check("INSTALMENT_TO_INCOME", instalment, customer.monthly_income / 3),
            check("AMOUNT", loan.amount, 400_000),
            check("TERM", loan.term_months, 84),
            check("FINDINGS", u64::from(loan.finding.is_some()), 0),
        ],
        requested_at: written(loan.submitted_at),
    }
}

#[derive(Serialize)]
pub(super) struct OffersAnswer<'a> {
    loan_id: &'a str,
    amount: u64,
    currency: &'static str,
    product: &'a str,
    term_months: u64,
    channel: &'a str,
    offers: Vec<OfferLine<'a>>,
}

#[derive(Serialize)]
struct OfferLine<'a> {
    id: &'a str,
    issued_at: String,
    insured: bool,
    fee: f64,
    nominal_rate: f64,
    instalment: u64,
    text: &'static str,
}

pub(super) fn offers<'a>(loan: &'a Application, policy: &Policy) -> OffersAnswer<'a> {
    let line = |offer: &'a Offer| OfferLine {
        id: &offer.id,
        issued_at: written(offer.issued_at),
        insured: offer.insured,
        fee: policy.fee_cents(loan) as f64 / 100.0,
        nominal_rate: offer.nominal_rate as f64 / 1_000.0,
        instalment: instalment(loan, offer),
        text: wording(offer),
    };
    OffersAnswer {
        loan_id: &loan.loan_id,
        amount: loan.amount,
        currency: "EUR",
        product: loan.product,
        term_months: loan.term_months,
        channel: loan.channel,
        offers: loan.offers.iter().map(line).collect(),
    }
}

#[derive(Serialize)]
pub(super) struct OfferAnswer<'a> {
    id: &'a str,
    loan_id: &'a str,
    product: &'a str,
    amount: u64,
    currency: &'static str,
    issued_at: String,
    valid_until: String,
    nominal_rate: f64,
    rate: f64,
    insured: bool,
    text: &'static str,
    instalments: Vec<Instalment>,
}

#[derive(Serialize)]
struct Instalment {
    number: u64,
    due_on: String,
    amount: u64,
}

pub(super) fn offer<'a>(
    loan: &'a Application,
    offer: &'a Offer,
    policy: &Policy,
) -> OfferAnswer<'a> {
    let instalments = (1..=6).map(|number| Instalment {
        number,
        due_on: offer.issued_at.date().saturating_add((30 * number as i64).days()).to_string(),
        amount: instalment(loan, offer),
    });
    OfferAnswer {
        id: &offer.id,
        loan_id: &loan.loan_id,
        product: loan.product,
        amount: loan.amount,
        currency: "EUR",
        issued_at: written(offer.issued_at),
        valid_until: policy.valid_until(offer).date().to_string(),
        nominal_rate: offer.nominal_rate as f64 / 1_000.0,
        rate: policy.rate(loan, offer) as f64 / 100.0,
        insured: offer.insured,
        text: wording(offer),
        instalments: instalments.collect(),
    }
}

/// Simple interest in equal parts, in whole euros.
fn instalment(loan: &Application, offer: &Offer) -> u64 {
    let interest = loan.amount * offer.nominal_rate * loan.term_months / 12 / 100_000;
    (loan.amount + interest) / loan.term_months + if offer.insured { 9 } else { 0 }
}

fn wording(offer: &Offer) -> &'static str {
    if offer.insured { "with insurance of the remaining debt" } else { "without insurance" }
}
