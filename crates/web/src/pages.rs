//! The pages.
use crate::{api::ApiError, serve::App};
use axum::Router;
pub(crate) fn routes() -> Router<App> {
    Router::new()
}
pub(crate) fn refusal(error: &ApiError) -> String {
    error.to_string()
}
