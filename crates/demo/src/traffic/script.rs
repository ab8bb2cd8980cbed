//! What a clerk does all day: look at a queue, open a case, read all about it.
//!
//! A lane is one clerk after the other. Everything in it follows from seed and lane.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde::Deserialize;
use serde_json::json;

use crate::{
    Book,
    book::{Application, QUEUES},
};

/// One request of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) target: String,
    /// A write where there is one.
    pub(super) body: Option<String>,
    pub(super) session: String,
    pub(super) correlation: String,
    pub(super) token: String,
}

/// What clerks have submitted, for all of them to go on with.
#[derive(Debug, Default)]
pub(super) struct Desk {
    made: Mutex<VecDeque<Made>>,
}

/// The names that a service gave to what was submitted.
#[derive(Clone, Debug, Deserialize)]
struct Made {
    id: String,
    loan_id: String,
    offer_ids: Vec<String>,
}

/// Submissions that clerks remember.
const REMEMBERED: usize = 64;

pub(super) struct Lane {
    book: Arc<Book>,
    desk: Arc<Desk>,
    random: StdRng,
    session: String,
    token: String,
    /// Cases this clerk still works on.
    cases: u32,
    steps: u64,
    waiting: VecDeque<(String, Option<String>)>,
}

impl Lane {
    pub(super) fn new(book: Arc<Book>, desk: Arc<Desk>, seed: u64, lane: u64) -> Self {
        // Two lanes never share a stream: the lane is the upper half of the seed's mix.
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ lane.rotate_left(32);
        Self {
            book,
            desk,
            random: StdRng::seed_from_u64(mixed),
            session: String::new(),
            token: String::new(),
            cases: 0,
            steps: 0,
            waiting: VecDeque::new(),
        }
    }

    pub(super) fn next_step(&mut self) -> Step {
        loop {
            if let Some((target, body)) = self.waiting.pop_front() {
                self.steps += 1;
                return Step {
                    target,
                    body,
                    session: self.session.clone(),
                    correlation: format!("{}-{:05}", self.session, self.steps),
                    token: self.token.clone(),
                };
            }
            if self.cases == 0 {
                self.session = format!("clerk-{:016x}", self.random.random::<u64>());
                self.token = format!("{:032x}", self.random.random::<u128>());
                self.cases = self.random.random_range(2..6);
            }
            self.cases -= 1;
            self.work_on_a_case();
        }
    }

    /// What was submitted was given names: the clerk looks at it right away.
    pub(super) fn submitted(&mut self, answer: &[u8]) {
        let Ok(made) = serde_json::from_slice::<Made>(answer) else { return };
        self.look_at(&made);
        let mut desk = self.desk.made.lock().unwrap_or_else(PoisonError::into_inner);
        desk.push_back(made);
        if desk.len() > REMEMBERED {
            desk.pop_front();
        }
    }

    fn look_at(&mut self, made: &Made) {
        self.read(format!("/applications/{}", made.id));
        self.read(format!("/loans/{}/decision", made.loan_id));
        self.read(format!("/loans/{}/offers", made.loan_id));
        for offer in made.offer_ids.iter().take(1) {
            self.read(format!("/offers/{offer}"));
        }
    }

    fn work_on_a_case(&mut self) {
        let book = Arc::clone(&self.book);
        let others = {
            let desk = self.desk.made.lock().unwrap_or_else(PoisonError::into_inner);
            // Drawn only where there is one: without submissions the seed decides all.
            let at = (!desk.is_empty()).then(|| self.random.random_range(0..3 * desk.len()));
            at.and_then(|at| desk.get(at)).cloned()
        };
        if let Some(made) = others {
            self.look_at(&made);
        }
        let Some(case) = book.applications.choose(&mut self.random) else { return };
        self.look_at_queues(case);
        self.read(format!("/applications/{}", case.id));
        if let Some(customer) = book.customer_of(case) {
            self.read(format!("/customers/{}", customer.id));
        }
        self.read(format!("/loans/{}/decision", case.loan_id));
        self.read(format!("/loans/{}/offers", case.loan_id));
        let offers = self.random.random_range(1..3);
        for offer in case.offers.sample(&mut self.random, offers).collect::<Vec<_>>() {
            self.read(format!("/offers/{}", offer.id));
        }
        if self.random.random_bool(0.12) {
            self.submit(case);
        }
    }

    fn look_at_queues(&mut self, case: &Application) {
        // Two of three looks are at a queue of findings, where the hurry is.
        let queue = if self.random.random_bool(0.67) {
            QUEUES.get(self.random.random_range(0..3))
        } else {
            QUEUES.choose(&mut self.random)
        };
        let queue = queue.copied().unwrap_or("standard");
        if self.random.random_bool(0.5) {
            let country = self.random.random_bool(0.5).then_some(case.country);
            let query = country.map(|country| format!("?country={country}")).unwrap_or_default();
            self.read(format!("/queues/{queue}/counts{query}"));
        }
        if self.random.random_bool(0.45) {
            let size = [10, 20, 25, 100, 200].choose(&mut self.random).copied().unwrap_or(20);
            self.read(format!("/queues/{queue}/items?page_size={size}"));
        }
        if self.random.random_bool(0.6) {
            self.read(format!("/queues/{queue}/next?after={}", case.id));
        }
    }

    fn submit(&mut self, like: &Application) {
        let book = Arc::clone(&self.book);
        let Some(customer) = book.customers.choose(&mut self.random) else { return };
        let body = json!({
            "customer_id": customer.id,
            "amount": like.amount,
            "product": like.product,
            "term_months": like.term_months,
            "channel": like.channel,
        });
        self.waiting.push_back(("/applications".to_owned(), Some(body.to_string())));
    }

    fn read(&mut self, target: String) {
        self.waiting.push_back((target, None));
    }
}
