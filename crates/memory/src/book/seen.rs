//! Values that the primary named, so that none is taken for one that was just made.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Per generation; the older of two is forgotten.
const MOST: usize = 200_000;

#[derive(Debug, Default)]
pub(super) struct Seen {
    generations: [HashSet<u64>; 2],
}

impl Seen {
    pub(super) fn note(&mut self, kind: &str, value: &str) {
        let [now, before] = &mut self.generations;
        if now.len() >= MOST {
            *before = std::mem::take(now);
        }
        now.insert(fingerprint(kind, value));
    }

    pub(super) fn has(&self, kind: &str, value: &str) -> bool {
        let fingerprint = fingerprint(kind, value);
        self.generations.iter().any(|generation| generation.contains(&fingerprint))
    }
}

fn fingerprint(kind: &str, value: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, value).hash(&mut hasher);
    hasher.finish()
}
