//! The rules that the candidate may lack, and the truth about each.

use std::str::FromStr;

/// One business rule of the monolith that is easy to forget in a rewrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    GermanLargeReview,
    BlockedDeclined,
    ReasonsByWeight,
    ImportantPriority,
    SecondSignature,
    LateOffers,
    RateHalfUp,
    BrokerFee,
    OldBranch,
    PageSizeCap,
    FraudDueSoon,
    HeldNotWaiting,
    BlockedContact,
}

/// Where a missing rule shows: an endpoint, and the field of its answer (`status` for the status).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub endpoint: &'static str,
    pub field: &'static str,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("rule `{0}`: write `all` or some of {names}, separated by commas", names = names())]
pub struct UnknownRule(pub String);

impl Rule {
    pub const ALL: &'static [Self] = &[
        Self::GermanLargeReview,
        Self::BlockedDeclined,
        Self::ReasonsByWeight,
        Self::ImportantPriority,
        Self::SecondSignature,
        Self::LateOffers,
        Self::RateHalfUp,
        Self::BrokerFee,
        Self::OldBranch,
        Self::PageSizeCap,
        Self::FraudDueSoon,
        Self::HeldNotWaiting,
        Self::BlockedContact,
    ];

    /// The rules that are still missing when those named in `fixed` are not: a comma-separated
    /// list of ids, `all`, or nothing.
    pub fn missing_after(fixed: &str) -> Result<Vec<Self>, UnknownRule> {
        if fixed.trim() == "all" {
            return Ok(Vec::new());
        }
        let names = fixed.split(',').map(str::trim).filter(|name| !name.is_empty());
        let fixed = names.map(str::parse).collect::<Result<Vec<Self>, _>>()?;
        Ok(Self::ALL.iter().copied().filter(|rule| !fixed.contains(rule)).collect())
    }

    /// The name on the command line.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.truth().id
    }

    /// One line in domain words.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.truth().title
    }

    /// What the candidate does instead.
    #[must_use]
    pub fn description(self) -> &'static str {
        self.truth().instead
    }

    /// When the answers differ, in the words of conditions.
    #[must_use]
    pub fn condition(self) -> &'static str {
        self.truth().condition
    }

    #[must_use]
    pub fn shows_at(self) -> &'static [Place] {
        self.truth().shows_at
    }

    fn truth(self) -> &'static Truth {
        match self {
            Self::GermanLargeReview => &GERMAN_LARGE_REVIEW,
            Self::BlockedDeclined => &BLOCKED_DECLINED,
            Self::ReasonsByWeight => &REASONS_BY_WEIGHT,
            Self::ImportantPriority => &IMPORTANT_PRIORITY,
            Self::SecondSignature => &SECOND_SIGNATURE,
            Self::LateOffers => &LATE_OFFERS,
            Self::RateHalfUp => &RATE_HALF_UP,
            Self::BrokerFee => &BROKER_FEE,
            Self::OldBranch => &OLD_BRANCH,
            Self::PageSizeCap => &PAGE_SIZE_CAP,
            Self::FraudDueSoon => &FRAUD_DUE_SOON,
            Self::HeldNotWaiting => &HELD_NOT_WAITING,
            Self::BlockedContact => &BLOCKED_CONTACT,
        }
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        let rule = Self::ALL.iter().find(|rule| rule.id() == text);
        rule.copied().ok_or_else(|| UnknownRule(text.to_owned()))
    }
}

fn names() -> String {
    Rule::ALL.iter().map(|rule| rule.id()).collect::<Vec<_>>().join(", ")
}

struct Truth {
    id: &'static str,
    title: &'static str,
    instead: &'static str,
    condition: &'static str,
    shows_at: &'static [Place],
}

const DECISION: &str = "GET /loans/{id}/decision";
const OFFERS: &str = "GET /loans/{id}/offers";
const OFFER: &str = "GET /offers/{id}";
const APPLICATION: &str = "GET /applications/{id}";
const CUSTOMER: &str = "GET /customers/{id}";

const GERMAN_LARGE_REVIEW: Truth = Truth {
    id: "german-large-review",
    title: "A German loan above 50,000 is reviewed by a person",
    instead: "the candidate approves it",
    condition: "response.body.amount > 50000 and response.body.country == DE",
    shows_at: &[Place { endpoint: DECISION, field: "decision" }],
};

const BLOCKED_DECLINED: Truth = Truth {
    id: "blocked-declined",
    title: "A blocked customer is declined",
    instead: "the candidate decides as for anybody; that the customer is blocked stands in no \
              decision, only in the customer's own record",
    condition: "entity.customer.blocked == true",
    shows_at: &[Place { endpoint: DECISION, field: "decision" }],
};

const REASONS_BY_WEIGHT: Truth = Truth {
    id: "reasons-by-weight",
    title: "The reasons of a decision are listed by weight, the heaviest first",
    instead: "the candidate lists them by code",
    condition: "length(response.body.reasons) >= 2",
    shows_at: &[Place { endpoint: DECISION, field: "reasons" }],
};

const IMPORTANT_PRIORITY: Truth = Truth {
    id: "important-priority",
    title: "An important application has priority 3",
    instead: "the candidate gives it priority 2",
    condition: "response.body.importance == HIGH",
    shows_at: &[Place { endpoint: APPLICATION, field: "priority" }],
};

const SECOND_SIGNATURE: Truth = Truth {
    id: "second-signature",
    title: "An application of 120,000 and more goes to a second signature",
    instead: "the candidate leaves it in the queue for large amounts",
    condition: "response.body.amount >= 120000",
    shows_at: &[Place { endpoint: APPLICATION, field: "queue" }],
};

const LATE_OFFERS: Truth = Truth {
    id: "late-offers",
    title: "An offer issued at 22:00 or later counts from the next day",
    instead: "the candidate lets it end a day early",
    condition: "hour(response.body.issued_at) >= 22",
    shows_at: &[Place { endpoint: OFFER, field: "valid_until" }],
};

const RATE_HALF_UP: Truth = Truth {
    id: "rate-half-up",
    title: "Rates of car loans are rounded half up",
    instead: "the candidate rounds them half to even, as all the others",
    condition: "response.body.product == CAR, where the nominal rate ends in 5",
    shows_at: &[Place { endpoint: OFFER, field: "rate" }],
};

const BROKER_FEE: Truth = Truth {
    id: "broker-fee",
    title: "Short loans through a broker cost a fee of 49.00",
    instead: "the candidate charges nothing",
    condition: "response.body.channel == BROKER and response.body.term_months < 12",
    shows_at: &[Place { endpoint: OFFERS, field: "fee" }],
};

const OLD_BRANCH: Truth = Truth {
    id: "old-branch",
    title: "Loans of the old branch system (L9…) have no offers: 404",
    instead: "the candidate answers with offers",
    condition: "request.path.id starts_with L9",
    shows_at: &[Place { endpoint: OFFERS, field: "status" }],
};

const PAGE_SIZE_CAP: Truth = Truth {
    id: "page-size-cap",
    title: "A page of a queue has at most 50 items",
    instead: "the candidate allows 200",
    condition: "request.query.page_size > 50",
    shows_at: &[Place { endpoint: "GET /queues/{queue}/items", field: "items" }],
};

const FRAUD_DUE_SOON: Truth = Truth {
    id: "fraud-due-soon",
    title: "A suspected fraud is due after 4 hours",
    instead: "the candidate gives it a day, as the others",
    condition: "request.path.queue == fraud-review",
    shows_at: &[Place { endpoint: "GET /queues/{queue}/next", field: "due_at" }],
};

const HELD_NOT_WAITING: Truth = Truth {
    id: "held-not-waiting",
    title: "An application on hold does not count as waiting",
    instead: "the candidate counts it",
    condition: "response.body.on_hold > 0",
    shows_at: &[Place { endpoint: "GET /queues/{queue}/counts", field: "waiting" }],
};

const BLOCKED_CONTACT: Truth = Truth {
    id: "blocked-contact",
    title: "The telephone number of a blocked customer is not shown",
    instead: "the candidate shows it",
    condition: "response.body.blocked == true",
    shows_at: &[Place { endpoint: CUSTOMER, field: "phone" }],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixing_takes_rules_from_the_missing() {
        assert_eq!(Rule::missing_after(""), Ok(Rule::ALL.to_vec()));
        assert_eq!(Rule::missing_after("all"), Ok(vec![]));
        let missing = Rule::missing_after("broker-fee, old-branch,").unwrap();
        assert_eq!(missing.len(), Rule::ALL.len() - 2);
        assert!(!missing.contains(&Rule::BrokerFee) && missing.contains(&Rule::LateOffers));
    }

    #[test]
    fn an_unknown_rule_is_told_with_the_known_ones() {
        let error = Rule::missing_after("broker-fee,broker").unwrap_err().to_string();
        assert!(error.starts_with("rule `broker`: write `all` or some of german-large-review, "));
    }

    #[test]
    fn ids_are_unique_and_parse() {
        for &rule in Rule::ALL {
            assert_eq!(rule.id().parse(), Ok(rule));
        }
    }
}
