//! One short file per role: inputs wired to a stage, nothing decided.

pub mod compare;
pub mod config;
pub mod demo;
pub mod diff;
pub mod gate;
pub mod health;
pub mod migrate;
pub mod replay;
pub mod report;
pub mod rules;
pub mod tap;
pub mod up;
pub mod web;
