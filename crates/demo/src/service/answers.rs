//! The bodies of the answers about applications and customers.

use super::{created::Names, now};
use crate::{
    book::{Application, Customer, Submission},
    policy::Policy,
};
use jiff::{ToSpan, civil::DateTime};
use serde::{Deserialize, Serialize};

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

#[derive(Deserialize)]
pub(super) struct NewApplication {
    customer_id: String,
    amount: u64,
    product: String,
    term_months: u64,
    channel: String,
}

#[derive(Serialize)]
pub(super) struct Received {
    id: String,
    loan_id: String,
    offer_ids: Vec<String>,
    status: &'static str,
    submitted_at: String,
    customer_id: String,
    amount: u64,
    product: String,
    term_months: u64,
    channel: String,
}

impl NewApplication {
    pub(super) fn submission(&self) -> Submission {
        Submission {
            customer_id: self.customer_id.clone(),
            amount: self.amount,
            product: self.product.clone(),
            term_months: self.term_months,
            channel: self.channel.clone(),
        }
    }
}

pub(super) fn received(new: NewApplication, names: Names) -> Received {
    let NewApplication { customer_id, amount, product, term_months, channel } = new;
    Received {
        id: names.id,
        loan_id: names.loan_id,
        offer_ids: names.offer_ids,
        status: "RECEIVED",
        submitted_at: now(),
        customer_id,
        amount,
        product,
        term_months,
        channel,
    }
}
