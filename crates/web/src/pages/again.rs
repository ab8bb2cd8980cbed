//! Rechecks on pages: the button of an exchange or an endpoint, and how far one is.

use super::Look;
use crate::{
    api::{self, ApiError, Recheck, RecheckRequest},
    serve::App,
};

/// How far a recheck is.
pub(crate) struct Progress {
    pub(crate) text: String,
    pub(crate) planned: u64,
    pub(crate) sent: u64,
    pub(crate) over: bool,
}

/// What the form posts, and how the one before stands.
pub(crate) struct Again {
    /// `exchange` or `endpoint`.
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// `Recheck this endpoint`
    pub(crate) words: &'static str,
    pub(crate) back: String,
    pub(crate) progress: Option<Progress>,
    /// Whether one may be asked for now.
    pub(crate) may: bool,
}

impl Progress {
    pub(crate) fn of(recheck: &Recheck) -> Self {
        Self {
            text: recheck.sentence(),
            planned: recheck.planned.max(1),
            sent: recheck.sent,
            over: recheck.is_over(),
        }
    }
}

impl Again {
    /// For the exchange of a page.
    pub(crate) async fn exchange(
        app: &App,
        look: &Look,
        id: &str,
        back: String,
    ) -> Result<Self, ApiError> {
        let exchange = Some(id.to_owned());
        let request = RecheckRequest { exchange, ..RecheckRequest::default() };
        let again = Self::of(app, look, &request).await?;
        let (value, words) = (id.to_owned(), "Recheck");
        Ok(Self { name: "exchange", value, words, back, ..again })
    }

    /// For the endpoint that a list shows alone; `None` where it shows several.
    pub(crate) async fn endpoint(
        app: &App,
        look: &Look,
        name: &str,
        back: String,
    ) -> Result<Option<Self>, ApiError> {
        if look.ledger.endpoint_named(name).is_none() {
            return Ok(None);
        }
        let endpoint = Some(name.to_owned());
        let request = RecheckRequest { endpoint, ..RecheckRequest::default() };
        let again = Self::of(app, look, &request).await?;
        let (value, words) = (name.to_owned(), "Recheck this endpoint");
        Ok(Some(Self { name: "endpoint", value, words, back, ..again }))
    }

    async fn of(app: &App, look: &Look, request: &RecheckRequest) -> Result<Self, ApiError> {
        let newest = api::newest_recheck(app.store(), &look.ledger, request).await?;
        Ok(Self {
            name: "",
            value: String::new(),
            words: "",
            back: String::new(),
            may: newest.as_ref().is_none_or(Recheck::is_over),
            progress: newest.as_ref().map(Progress::of),
        })
    }
}
