//! The pages: from a [`Look`] at store and queue to HTML.
//!
//! Invariant: a page is a pure function of a look and its parameters; only handlers wait for
//! anything.

mod acts;
mod again;
mod audit;
mod banners;
mod behind;
mod charts;
mod cluster;
mod clusters;
mod compare;
mod deciding;
mod did;
mod doors;
mod evidence;
mod exchanges;
mod forms;
mod frame;
mod handlers;
mod list;
mod look;
mod masks;
mod pipeline;
mod readiness;
mod rows;
mod rule_form;
mod rules;
mod sample;
mod verdict;
mod volatile;

pub(crate) use handlers::routes;
pub(crate) use look::Look;

use askama::Template;

use crate::{api::ApiError, serve::asset_url};

/// What stands where a page cannot be made.
#[derive(Template)]
#[template(path = "refusal.html")]
struct Refusal<'a> {
    css: String,
    heading: &'a str,
    detail: String,
    advice: &'a str,
}

/// The page that says what is wrong, and what to do.
pub(crate) fn refusal(error: &ApiError) -> axum::response::Html<String> {
    let (heading, advice) = match error {
        ApiError::Store(_) => (
            "The store does not answer",
            "Nothing is lost: pairs wait in the queue, and users are not affected. Check the store \
             URL in understudy.toml. This page works again as soon as the store does.",
        ),
        ApiError::NotFound(_) => ("Not found", "It may have been folded away; start from a list."),
        ApiError::Unreadable(_) => (
            "Stored data cannot be read",
            "It was written by another build. Run the same version everywhere.",
        ),
        ApiError::Unknown(_) => ("Nobody is logged in", "Log in, then repeat."),
        ApiError::Forbidden(_) => ("This is refused", "Nothing was changed."),
        _ => ("This cannot be answered", "Go back, and change what is named above."),
    };
    let page = Refusal { css: asset_url("app.css"), heading, detail: error.to_string(), advice };
    axum::response::Html(html(page.render()).unwrap_or_else(|error| error.to_string()))
}

/// Rendering writes into a string: it fails only where a value's own formatting does.
fn html(rendered: askama::Result<String>) -> Result<String, ApiError> {
    rendered.map_err(|error| ApiError::Unreadable(format!("a page could not be written: {error}")))
}
