//! The business rules, in one place: what a careful reading of the monolith would find.
//!
//! Everything that [`Policy::knows`] asks for is a [`Rule`] that the candidate may lack; the rest
//! both services agree on.

use jiff::{ToSpan, civil::DateTime};
use serde::Serialize;

use crate::{
    Rule,
    book::{Application, Customer, Offer, Reason},
};

/// Findings that a person has to look at.
pub(crate) const FRAUD: &str = "FRAUD_SUSPECTED";
pub(crate) const IDENTITY: &str = "IDENTITY_UNCLEAR";
pub(crate) const INCOME: &str = "INCOME_UNPROVEN";

const REVIEW_ABOVE: u64 = 50_000;
const SECOND_SIGNATURE_FROM: u64 = 120_000;
const LARGE_FROM: u64 = 50_000;
const STANDARD_FROM: u64 = 10_000;
const LATE_HOUR: i8 = 22;
const SHORT_TERM_MONTHS: u64 = 12;
const BROKER_FEE_CENTS: u64 = 4_900;
const LOWEST_SCORE: u64 = 320;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Decision {
    Approved,
    Review,
    Declined,
}

/// The rules one service knows.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    lacks: Vec<Rule>,
}

impl Policy {
    /// What the monolith knows.
    pub(crate) fn complete() -> Self {
        Self { lacks: Vec::new() }
    }

    pub(crate) fn lacking(rules: Vec<Rule>) -> Self {
        Self { lacks: rules }
    }

    fn knows(&self, rule: Rule) -> bool {
        !self.lacks.contains(&rule)
    }

    pub(crate) fn decision(&self, loan: &Application, customer: &Customer) -> Decision {
        if customer.blocked && self.knows(Rule::BlockedDeclined) {
            return Decision::Declined;
        }
        if loan.score < LOWEST_SCORE {
            return Decision::Declined;
        }
        let large = loan.amount > REVIEW_ABOVE && loan.country == "DE";
        if large && self.knows(Rule::GermanLargeReview) {
            return Decision::Review;
        }
        Decision::Approved
    }

    pub(crate) fn reasons(&self, loan: &Application) -> Vec<Reason> {
        let mut reasons = loan.reasons.clone();
        if self.knows(Rule::ReasonsByWeight) {
            reasons.sort_by_key(|reason| (std::cmp::Reverse(reason.weight), reason.code));
        } else {
            reasons.sort_by_key(|reason| reason.code);
        }
        reasons
    }

    pub(crate) fn priority(&self, application: &Application) -> u64 {
        match application.important {
            true if self.knows(Rule::ImportantPriority) => 3,
            true => 2,
            false => 1,
        }
    }

    /// The queue an application belongs in.
    pub(crate) fn queue(&self, application: &Application) -> &'static str {
        match application.finding {
            Some(FRAUD) => return "fraud-review",
            Some(IDENTITY) => return "identity-review",
            Some(INCOME) => return "income-review",
            _ => {}
        }
        match application.amount {
            SECOND_SIGNATURE_FROM.. if self.knows(Rule::SecondSignature) => "second-signature",
            LARGE_FROM.. => "large",
            STANDARD_FROM.. => "standard",
            _ => "small",
        }
    }

    pub(crate) fn valid_until(&self, offer: &Offer) -> DateTime {
        let late = offer.issued_at.hour() >= LATE_HOUR && self.knows(Rule::LateOffers);
        offer.issued_at.saturating_add(if late { 31.days() } else { 30.days() })
    }

    /// In hundredths of a percent.
    pub(crate) fn rate(&self, loan: &Application, offer: &Offer) -> u64 {
        let (hundredths, rest) = (offer.nominal_rate / 10, offer.nominal_rate % 10);
        let half_up = loan.product == "CAR" && self.knows(Rule::RateHalfUp);
        match rest {
            0..5 => hundredths,
            5 if !half_up && hundredths.is_multiple_of(2) => hundredths,
            _ => hundredths + 1,
        }
    }

    pub(crate) fn fee_cents(&self, loan: &Application) -> u64 {
        let short = loan.channel == "BROKER" && loan.term_months < SHORT_TERM_MONTHS;
        if short && self.knows(Rule::BrokerFee) { BROKER_FEE_CENTS } else { 0 }
    }

    /// Whether a loan's offers were taken over from where they were made.
    pub(crate) fn has_offers(&self, loan_id: &str) -> bool {
        !(loan_id.starts_with("L9") && self.knows(Rule::OldBranch))
    }

    pub(crate) fn page_size(&self, asked: usize) -> usize {
        asked.clamp(1, if self.knows(Rule::PageSizeCap) { 50 } else { 200 })
    }

    pub(crate) fn due_at(&self, application: &Application) -> DateTime {
        let soon = application.queue == "fraud-review" && self.knows(Rule::FraudDueSoon);
        application.submitted_at.saturating_add(if soon { 4.hours() } else { 24.hours() })
    }

    pub(crate) fn waits(&self, application: &Application) -> bool {
        !(application.on_hold && self.knows(Rule::HeldNotWaiting))
    }

    pub(crate) fn phone<'a>(&self, customer: &'a Customer) -> Option<&'a str> {
        let hidden = customer.blocked && self.knows(Rule::BlockedContact);
        (!hidden).then_some(customer.phone.as_str())
    }
}
