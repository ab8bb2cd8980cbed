//! Who asks.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::Serialize;
use store::AuditEntry;

use super::rights::Need;
use crate::{
    access::{Role, TokenScope},
    api::ApiError,
    serve::{App, PageError},
};

/// How somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Via {
    /// By reaching the loopback address.
    Local,
    Login,
    Token,
    Proxy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    User(Role),
    Program(TokenScope),
}

/// The person or program behind a request; handlers take it as an argument. Cheap to clone.
///
/// Handlers of changes say what they did with [`Self::did`]; it reaches the audit when the request
/// succeeds.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    known: Arc<Known>,
}

#[derive(Debug)]
struct Known {
    name: String,
    via: Via,
    right: Right,
    address: Option<IpAddr>,
    form_token: String,
    deeds: Mutex<Vec<Deed>>,
}

#[derive(Debug)]
struct Deed {
    action: String,
    subject: String,
    before: Option<String>,
    after: Option<String>,
}

impl Actor {
    pub(super) fn new(
        name: &str,
        via: Via,
        right: Right,
        address: Option<IpAddr>,
        form_token: String,
    ) -> Self {
        let deeds = Mutex::default();
        let name = name.to_owned();
        Self { known: Arc::new(Known { name, via, right, address, form_token, deeds }) }
    }

    /// `anna`, or `local` where nobody logs in.
    pub(crate) fn name(&self) -> &str {
        &self.known.name
    }

    pub(super) fn via(&self) -> Via {
        self.known.via
    }

    /// Whether there is a log-in to end.
    pub(crate) fn logged_in(&self) -> bool {
        self.via() == Via::Login
    }

    /// Whether actions are for them: others are not shown any.
    pub(crate) fn may_edit(&self) -> bool {
        self.may(Need::Change)
    }

    /// What posting forms carry as `csrf`, and scripts as the header `x-csrf-token`. Forms of
    /// pages get it on their way out.
    pub(super) fn form_token(&self) -> &str {
        &self.known.form_token
    }

    /// Notes a change for the audit: `did("cluster.state", "C-7", &before, &after)`. `None` on
    /// either side where there was or is nothing.
    pub(crate) fn did(
        &self,
        action: &str,
        subject: &dyn std::fmt::Display,
        before: impl Serialize,
        after: impl Serialize,
    ) {
        let json = |value: serde_json::Result<serde_json::Value>| {
            value.ok().filter(|value| !value.is_null()).map(|value| value.to_string())
        };
        let deed = Deed {
            action: action.to_owned(),
            subject: subject.to_string(),
            before: json(serde_json::to_value(before)),
            after: json(serde_json::to_value(after)),
        };
        self.known.deeds.lock().unwrap_or_else(PoisonError::into_inner).push(deed);
    }

    pub(super) fn may(&self, need: Need) -> bool {
        match self.known.right {
            Right::User(Role::Editor) | Right::Program(TokenScope::Write) => true,
            Right::User(Role::Viewer) | Right::Program(TokenScope::Read) => {
                matches!(need, Need::Ask | Need::Look | Need::Leave)
            }
            Right::Program(TokenScope::Gate) => matches!(need, Need::Ask | Need::Announce),
        }
    }

    pub(super) fn why_not(&self, need: Need) -> String {
        let name = self.name();
        match self.known.right {
            Right::User(_) => format!(
                "{name} is a viewer: may see everything and change nothing. An editor can; \
                 `understudy user role {name} editor` makes one."
            ),
            Right::Program(scope) => {
                let wants = if need.is_change() { "write" } else { "read" };
                let scope = scope.as_str();
                format!("the token `{name}` has the scope {scope}; this takes the scope {wants}")
            }
        }
    }

    /// Writes what was done to the audit; a change that no handler spoke of by its route. The
    /// change is made: a store that does not take its trace is reported, not undone.
    pub(super) async fn keep_trace(&self, app: &App, route: &str) {
        let mut deeds: Vec<Deed> =
            self.known.deeds.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        if deeds.is_empty() {
            let (action, subject) = ("request".to_owned(), route.to_owned());
            deeds.push(Deed { action, subject, before: None, after: None });
        }
        for deed in deeds {
            let entry = AuditEntry {
                at: app.now(),
                actor: self.known.name.clone(),
                via: self.known.via.as_str().to_owned(),
                address: self.known.address.map(|ip| ip.to_string()).unwrap_or_default(),
                action: deed.action,
                subject: deed.subject,
                before: deed.before,
                after: deed.after,
            };
            if let Err(error) = app.store().add_audit(&entry).await {
                tracing::error!(%error, audit.action = entry.action, "a change left no trace");
            }
        }
    }
}

impl Via {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Login => "login",
            Self::Token => "token",
            Self::Proxy => "proxy",
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        let known = parts.extensions.get::<Self>().cloned();
        known.ok_or_else(|| PageError(ApiError::Unknown("nobody is logged in".to_owned())))
    }
}
