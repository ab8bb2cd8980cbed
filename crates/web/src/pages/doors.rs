//! Numbers that are doors: each count is a link to what is behind it, and the page behind it says
//! the same number as "N counted, K kept".

use crate::words;

/// A count and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    pub(crate) n: u64,
    pub(crate) text: String,
    pub(crate) href: String,
}

impl Door {
    pub(crate) fn to(n: u64, href: String) -> Self {
        Self { n, text: words::count(n), href }
    }
}

/// What stands behind a door: how many were counted, and how many of them can be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Behind {
    pub(crate) n: u64,
    pub(crate) counted: String,
    pub(crate) kept: String,
}

impl Behind {
    pub(crate) fn of(counted: u64, kept: u64) -> Self {
        Self { n: counted, counted: words::count(counted), kept: words::count(kept) }
    }
}

/// A piece of a sentence: words, or a number that is a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) words: String,
    pub(crate) door: Option<Door>,
    /// The name under which it changes in place.
    pub(crate) live: &'static str,
}

pub(crate) fn said(words: impl Into<String>) -> Piece {
    Piece { words: words.into(), door: None, live: "" }
}

pub(crate) fn number(live: &'static str, n: u64, href: String) -> Piece {
    Piece { words: String::new(), door: Some(Door::to(n, href)), live }
}
