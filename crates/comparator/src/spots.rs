//! What there is to say of a place in the bodies of one endpoint, found out once and remembered.
//!
//! Every pair is read for its fields and for what the primary says of things. Whether a place is
//! sensitive or volatile, and how it is called, depends on its path alone.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// Places remembered of one endpoint; bodies with names without end cannot grow it.
const MOST: usize = 2_000;

/// One place of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// `.customer.name`, positions and names that are data as `*`.
    pub(crate) dotted: String,
    /// Sensitive, or within something that is.
    pub(crate) hidden: bool,
    /// Says something else at every answer.
    pub(crate) volatile: bool,
    /// May stand in one body more than once.
    pub(crate) again: bool,
}

/// The places of one endpoint, by JSON Pointer with `*` for positions.
#[derive(Debug, Default)]
pub(crate) struct Spots {
    held: RwLock<HashMap<String, Arc<Spot>>>,
}

impl Spots {
    pub(crate) fn of(&self, pointer: &str, find: impl FnOnce() -> Spot) -> Arc<Spot> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(spot) = held.get(pointer) {
            return Arc::clone(spot);
        }
        drop(held);
        let spot = Arc::new(find());
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.len() < MOST {
            held.insert(pointer.to_owned(), Arc::clone(&spot));
        }
        spot
    }
}
