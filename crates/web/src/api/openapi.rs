//! `GET /api/v1/openapi.json`: the contract as a document. Tests hold answers against it.

/// OpenAPI 3.1.
pub const OPENAPI: &str = include_str!("openapi.json");
