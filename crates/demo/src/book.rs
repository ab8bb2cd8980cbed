//! What the lending business knows: customers, applications with their loans, offers.

mod seeded;

use std::collections::HashMap;

use jiff::civil::DateTime;
use serde::Serialize;

/// The approval queues, in the order in which an application is tried for them.
pub(crate) const QUEUES: [&str; 7] = [
    "fraud-review",
    "identity-review",
    "income-review",
    "second-signature",
    "large",
    "standard",
    "small",
];

/// All records; the same for every service and for the traffic.
#[derive(Debug)]
pub struct Book {
    pub(crate) customers: Vec<Customer>,
    /// By time of submission.
    pub(crate) applications: Vec<Application>,
    places: HashMap<String, Place>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Customer(usize),
    Application(usize),
    Loan(usize),
    Offer { application: usize, offer: usize },
}

#[derive(Debug)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) country: &'static str,
    pub(crate) city: &'static str,
    pub(crate) street: String,
    pub(crate) segment: &'static str,
    pub(crate) blocked: bool,
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) iban: String,
    pub(crate) monthly_income: u64,
    pub(crate) since: DateTime,
}

/// An application and the loan it is for.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) id: String,
    pub(crate) loan_id: String,
    pub(crate) customer: usize,
    pub(crate) amount: u64,
    pub(crate) country: &'static str,
    pub(crate) product: &'static str,
    pub(crate) term_months: u64,
    pub(crate) channel: &'static str,
    pub(crate) important: bool,
    pub(crate) score: u64,
    pub(crate) submitted_at: DateTime,
    /// What somebody found that a person has to look at.
    pub(crate) finding: Option<&'static str>,
    /// Where it lies: written when it came in, by the monolith.
    pub(crate) queue: &'static str,
    pub(crate) on_hold: bool,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) offers: Vec<Offer>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Reason {
    pub(crate) code: &'static str,
    pub(crate) weight: u64,
    pub(crate) text: &'static str,
}

#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) id: String,
    pub(crate) issued_at: DateTime,
    /// In thousandths of a percent: 4125 is 4.125 %.
    pub(crate) nominal_rate: u64,
    pub(crate) insured: bool,
}

/// What a customer asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Submission {
    pub(crate) customer_id: String,
    pub(crate) amount: u64,
    pub(crate) product: String,
    pub(crate) term_months: u64,
    pub(crate) channel: String,
}

impl Book {
    /// The application that a submission becomes, without names of its own: what a check of the
    /// customer finds follows from the submission. `None` where the customer, the product or the
    /// channel is not known.
    pub(crate) fn submitted(&self, submission: &Submission) -> Option<Application> {
        let Place::Customer(customer) = *self.places.get(&submission.customer_id)? else {
            return None;
        };
        seeded::submitted(submission, customer, self.customers.get(customer)?)
    }

    /// The book of every demo.
    #[must_use]
    pub fn standard() -> Self {
        let (customers, applications) = seeded::records();
        let mut places = HashMap::new();
        for (at, customer) in customers.iter().enumerate() {
            places.insert(customer.id.clone(), Place::Customer(at));
        }
        for (at, application) in applications.iter().enumerate() {
            places.insert(application.id.clone(), Place::Application(at));
            places.insert(application.loan_id.clone(), Place::Loan(at));
            for (nth, offer) in application.offers.iter().enumerate() {
                places.insert(offer.id.clone(), Place::Offer { application: at, offer: nth });
            }
        }
        Self { customers, applications, places }
    }

    pub(crate) fn customer(&self, id: &str) -> Option<&Customer> {
        match self.places.get(id)? {
            Place::Customer(at) => self.customers.get(*at),
            _ => None,
        }
    }

    pub(crate) fn application(&self, id: &str) -> Option<&Application> {
        match self.places.get(id)? {
            Place::Application(at) => self.applications.get(*at),
            _ => None,
        }
    }

    /// The application of a loan.
    pub(crate) fn loan(&self, id: &str) -> Option<&Application> {
        match self.places.get(id)? {
            Place::Loan(at) => self.applications.get(*at),
            _ => None,
        }
    }

    pub(crate) fn offer(&self, id: &str) -> Option<(&Application, &Offer)> {
        match *self.places.get(id)? {
            Place::Offer { application, offer } => {
                let application = self.applications.get(application)?;
                Some((application, application.offers.get(offer)?))
            }
            _ => None,
        }
    }

    pub(crate) fn customer_of(&self, application: &Application) -> Option<&Customer> {
        self.customers.get(application.customer)
    }

    /// The applications of a queue, the oldest first; `None` for a queue that does not exist.
    pub(crate) fn queue<'a>(
        &'a self,
        queue: &'a str,
    ) -> Option<impl Iterator<Item = &'a Application>> {
        QUEUES.contains(&queue).then(|| self.applications.iter().filter(move |a| a.queue == queue))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_lead_to_their_records() {
        let book = Book::standard();
        let offers: usize = book.applications.iter().map(|a| a.offers.len()).sum();
        assert_eq!(book.places.len(), book.customers.len() + 2 * book.applications.len() + offers);
        for application in book.applications.iter().take(50) {
            assert_eq!(book.loan(&application.loan_id).unwrap().id, application.id);
            assert!(book.application(&application.loan_id).is_none());
        }
    }

    #[test]
    fn every_queue_has_more_than_a_page() {
        let book = Book::standard();
        for queue in QUEUES {
            assert!(book.queue(queue).unwrap().count() > 60, "{queue}");
        }
        assert!(book.queue("none").is_none());
    }
}
