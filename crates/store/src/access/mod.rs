//! Who may see and change what: users, their log-ins, tokens of programs, and who changed what.
//!
//! Invariants:
//! - What a browser or a program holds is never stored: only its hash is, and only its hash is
//!   asked for.
//! - A log-in ends with its user, with a change of password or role, and at its time; a token at
//!   its time.
//! - The audit is appended to, never changed.

mod audit;
mod failures;
mod logins;
mod tokens;
mod users;

pub use audit::{AuditEntry, AuditQuery, AuditRow};
pub use failures::Throttle;
pub use logins::{Login, LoginRow};
pub use tokens::TokenRow;
pub use users::UserRow;
