//! Pages and API as a browser and a program meet them: a real server, a seeded SQLite store.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod access;
mod acts;
mod contract;
mod doors;
mod gate;
mod guard;
mod hostile;
mod pages;
mod seed;
mod shape;
mod stage;
