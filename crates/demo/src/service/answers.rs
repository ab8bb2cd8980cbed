//! The bodies of the answers about single records.

use jiff::{ToSpan, civil::DateTime};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::now;
use crate::{
    book::{Application, Customer, Offer, Reason},
    policy::{Decision, Policy},
};

/// As the services write a time: to the second, in UTC.
pub(super) fn written(at: DateTime) -> String {
    format!("{at}Z")
}

#[derive(Serialize)]
pub(super) struct ApplicationAnswer<'a> {
    id: &'a str,
    loan_id: &'a str,
    status: &'static str,
    queue: &'static str,
    priority: u64,
    importance: &'static str,
    submitted_at: String,
    amount: u64,
    currency: &'static str,
    country: &'a str,
    product: &'a str,
    term_months: u64,
    channel: &'a str,
    finding: Option<&'a str>,
    applicant: Applicant<'a>,
    documents: Vec<Document>,
    history: Vec<Event>,
}

#[derive(Serialize)]
pub(super) struct Applicant<'a> {
    customer_id: &'a str,
    name: &'a str,
    segment: &'a str,
    monthly_income: u64,
}

#[derive(Serialize)]
struct Document {
    kind: &'static str,
    pages: u64,
    received_at: String,
}

#[derive(Serialize)]
struct Event {
    at: String,
    by: &'static str,
    what: &'static str,
}

pub(super) fn application<'a>(
    application: &'a Application,
    customer: &'a Customer,
    policy: &Policy,
) -> ApplicationAnswer<'a> {
    let at = |hours: i64| written(application.submitted_at.saturating_add(hours.hours()));
    let event = |hours, by, what| Event { at: at(hours), by, what };
    let document = |kind, pages, hours| Document { kind, pages, received_at: at(hours) };
    ApplicationAnswer {
        id: &application.id,
        loan_id: &application.loan_id,
        status: if application.on_hold { "ON_HOLD" } else { "IN_APPROVAL" },
        queue: policy.queue(application),
        priority: policy.priority(application),
        importance: if application.important { "HIGH" } else { "NORMAL" },
        submitted_at: at(0),
        amount: application.amount,
        currency: "EUR",
        country: application.country,
        product: application.product,
        term_months: application.term_months,
        channel: application.channel,
        finding: application.finding,
        applicant: applicant(customer),
        documents: vec![
            document("IDENTITY", 2, 0),
            document("PAYSLIPS", 1 + application.score % 4, 1),
            document("HOUSEHOLD_BUDGET", 1, 2),
        ],
        history: vec![
            event(0, "customer", "SUBMITTED"),
            event(1, "intake", "DOCUMENTS_RECEIVED"),
            event(2, "bureau", "SCORED"),
            event(3, "intake", "QUEUED"),
        ],
    }
}

pub(super) fn applicant(customer: &Customer) -> Applicant<'_> {
    Applicant {
        customer_id: &customer.id,
        name: &customer.name,
        segment: customer.segment,
        monthly_income: customer.monthly_income,
    }
}

#[derive(Serialize)]
pub(super) struct CustomerAnswer<'a> {
    id: &'a str,
    name: &'a str,
    segment: &'a str,
    blocked: bool,
    customer_since: String,
    contact: Contact<'a>,
    address: Address<'a>,
    bank: Bank<'a>,
    household: Household,
    consents: [Consent; 3],
}

#[derive(Serialize)]
struct Contact<'a> {
    email: &'a str,
    phone: Option<&'a str>,
    language: &'static str,
}

#[derive(Serialize)]
struct Address<'a> {
    street: &'a str,
    city: &'a str,
    country: &'a str,
}

#[derive(Serialize)]
struct Bank<'a> {
    holder: &'a str,
    iban: &'a str,
}

#[derive(Serialize)]
struct Household {
    monthly_income: u64,
    monthly_rent: u64,
    monthly_free: u64,
    currency: &'static str,
}

#[derive(Serialize)]
struct Consent {
    purpose: &'static str,
    given: bool,
}

pub(super) fn customer<'a>(customer: &'a Customer, policy: &Policy) -> CustomerAnswer<'a> {
    let rent = customer.monthly_income / 4;
    let consent = |purpose, given| Consent { purpose, given };
    CustomerAnswer {
        id: &customer.id,
        name: &customer.name,
        segment: customer.segment,
        blocked: customer.blocked,
        customer_since: written(customer.since),
        contact: Contact {
            email: &customer.email,
            phone: policy.phone(customer),
            language: if matches!(customer.country, "DE" | "AT") { "de" } else { "en" },
        },
        address: Address {
            street: &customer.street,
            city: customer.city,
            country: customer.country,
        },
        bank: Bank { holder: &customer.name, iban: &customer.iban },
        household: Household {
            monthly_income: customer.monthly_income,
            monthly_rent: rent,
            monthly_free: customer.monthly_income - rent - 400,
            currency: "EUR",
        },
        consents: [
            consent("SCORING", true),
            consent("ADVERTISING", customer.segment == "PRIVATE"),
            consent("SHARING", false),
        ],
    }
}

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

#[derive(Deserialize)]
pub(super) struct NewApplication {
    pub(super) customer_id: String,
    amount: u64,
    product: String,
    term_months: u64,
    channel: String,
}

#[derive(Serialize)]
pub(super) struct Received {
    id: Uuid,
    status: &'static str,
    submitted_at: String,
    customer_id: String,
    amount: u64,
    product: String,
    term_months: u64,
    channel: String,
}

pub(super) fn received(new: NewApplication) -> Received {
    let NewApplication { customer_id, amount, product, term_months, channel } = new;
    Received {
        id: Uuid::new_v4(),
        status: "RECEIVED",
        submitted_at: now(),
        customer_id,
        amount,
        product,
        term_months,
        channel,
    }
}
