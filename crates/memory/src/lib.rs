//! What two sides made differently for the same request: learnt from their answers, put into
//! later requests, and read back when answers are compared.
//!
//! Two systems that both create a loan give it ids of their own. From then on the client names
//! the primary's, so the other side has to be asked with its own, and its answers have to be
//! read with the primary's in their place.
//!
//! Invariants:
//! - Pure: values in, values out. What is kept and for how long is the caller's.
//! - A value stands for another only as a whole, at a place whose name says what it is, or where
//!   it is like no other (a UUID, a token). Amounts, words and texts are never touched.
//! - What is not replaced stays byte for byte; a number stays a number where it can.
//! - Memory is bounded by bytes; the least recently used is forgotten first.

pub mod book;
pub mod coding;
mod entity;
mod learn;
mod leaves;
mod place;
mod rewrite;
mod spots;
mod translate;

pub use book::Book;
pub use entity::{Naming, context, entity_of, naming};
pub use learn::{Lesson, differing_words, learn, made};
pub use place::{Sought, is_unique};
pub use rewrite::{answer_names, cookie_values, names, rewrite};
pub use translate::{Translated, translate};
