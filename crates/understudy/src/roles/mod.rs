//! One short file per role: inputs wired to a stage, nothing decided.

pub(crate) mod access;
pub(crate) mod compare;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod gate;
pub(crate) mod health;
pub(crate) mod migrate;
pub(crate) mod recheck;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod reset;
pub(crate) mod rules;
pub(crate) mod tap;
pub(crate) mod token;
pub(crate) mod up;
pub(crate) mod user;
pub(crate) mod web;
