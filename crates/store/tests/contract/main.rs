//! One suite for both dialects.
//!
//! [`place::on_each`] runs a test on SQLite in a fresh folder and on a fresh Postgres database
//! (where `UNDERSTUDY_TEST_POSTGRES_URL` names a server). [`batch`] has the words for what is
//! recorded.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod access;
mod batch;
mod begun;
mod counts;
mod exactly_once;
mod facts;
mod full_disk;
mod funnel;
mod gate;
mod model;
mod open;
mod place;
mod rechecks;
mod rows;
mod rules;
mod said;
mod samples;
mod sessions;
mod small;
mod speed;
mod trend;
