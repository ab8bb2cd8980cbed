//! The JSON API's types, and the readers that build them from a store.
//!
//! The command line uses the readers directly (`--store`) or parses the same types (`--server`).
