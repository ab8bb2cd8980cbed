//! Applications received while the service runs. Each service names them itself; all the rest
//! follows from what was submitted, so that two services tell the same about one submission.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use crate::book::{Application, Book, Offer, Submission};

/// The oldest are forgotten beyond these.
const MOST: usize = 20_000;

/// How a service names what it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// `A800001`, `A800002`, …
    Numbered,
    /// UUIDs.
    Random,
}

#[derive(Debug)]
pub(super) struct Created {
    naming: Naming,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    count: u64,
    applications: HashMap<u64, Application>,
    /// Ids of applications, loans and offers.
    names: HashMap<String, u64>,
    order: VecDeque<u64>,
}

/// The names of something that was just made.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) id: String,
    pub(super) loan_id: String,
    pub(super) offer_ids: Vec<String>,
}

impl Created {
    pub(super) fn new(naming: Naming) -> Self {
        Self { naming, inner: Mutex::default() }
    }

    /// Takes a submission in. `None` where its customer is not known.
    pub(super) fn add(&self, book: &Book, submission: &Submission) -> Option<Names> {
        let mut application = book.submitted(submission)?;
        let mut inner = self.lock();
        inner.count += 1;
        let number = inner.count;
        application.id = self.name("A8", number, 5);
        application.loan_id = self.name("L8", number, 5);
        for (nth, offer) in (0_u64..).zip(&mut application.offers) {
            offer.id = self.name("O8", number * 8 + nth, 6);
        }
        let names = Names {
            id: application.id.clone(),
            loan_id: application.loan_id.clone(),
            offer_ids: application.offers.iter().map(|offer| offer.id.clone()).collect(),
        };
        for name in [&names.id, &names.loan_id].into_iter().chain(&names.offer_ids) {
            inner.names.insert(name.clone(), number);
        }
        inner.applications.insert(number, application);
        inner.order.push_back(number);
        if inner.order.len() > MOST {
            inner.forget_oldest();
        }
        Some(names)
    }

    /// What `tell` says of the application with this id.
    pub(super) fn application<T>(
        &self,
        id: &str,
        tell: impl FnOnce(&Application) -> T,
    ) -> Option<T> {
        self.of(id, |application| (application.id == id).then(|| tell(application)))
    }

    pub(super) fn loan<T>(&self, id: &str, tell: impl FnOnce(&Application) -> T) -> Option<T> {
        self.of(id, |application| (application.loan_id == id).then(|| tell(application)))
    }

    pub(super) fn offer<T>(
        &self,
        id: &str,
        tell: impl FnOnce(&Application, &Offer) -> T,
    ) -> Option<T> {
        self.of(id, |application| {
            let offer = application.offers.iter().find(|offer| offer.id == id)?;
            Some(tell(application, offer))
        })
    }

    fn of<T>(&self, id: &str, tell: impl FnOnce(&Application) -> Option<T>) -> Option<T> {
        let inner = self.lock();
        let number = inner.names.get(id)?;
        tell(inner.applications.get(number)?)
    }

    fn name(&self, prefix: &str, number: u64, digits: usize) -> String {
        match self.naming {
            Naming::Numbered => format!("{prefix}{number:0digits$}"),
            Naming::Random => Uuid::new_v4().to_string(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget_oldest(&mut self) {
        let Some(number) = self.order.pop_front() else { return };
        self.applications.remove(&number);
        self.names.retain(|_, named| *named != number);
    }
}
