//! The queue as its users see it: what every backend promises ([`contract`]), what is particular
//! to RabbitMQ ([`broker`], [`alarms`]), the tap's publisher ([`spool`]), and what other builds have
//! left ([`versions`]).
//!
//! Tests that need a broker read `UNDERSTUDY_TEST_AMQP_URL` and say so where it is not set.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod alarms;
mod broker;
mod contract;
mod place;
mod proxy;
mod spool;
mod versions;
