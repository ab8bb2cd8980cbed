//! Pages on their way out: forms that post carry the proof that they are ours, and who may change
//! nothing is shown none. Done in one place, so that no template can forget it.
//!
//! Captured text cannot pass for a form: in a page it stands escaped.

use axum::{
    body::{Body, to_bytes},
    http::header,
    response::Response,
};

use super::{actor::Actor, proof::FIELD};

/// A form that posts and is for viewers too says this in its tag.
const FOR_ALL: &str = " data-for-all";

pub(super) async fn fitted(actor: &Actor, response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/html")) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Pages are made as one text: nothing is waited for.
    let bytes = match to_bytes(body, usize::MAX).await {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "a page broke off");
            return Response::from_parts(parts, Body::empty());
        }
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    let Ok(page) = std::str::from_utf8(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    let page = with_forms(page, actor.form_token(), actor.may_edit());
    Response::from_parts(parts, Body::from(page))
}

fn with_forms(page: &str, token: &str, may_edit: bool) -> String {
    let mut out = String::with_capacity(page.len() + 1024);
    let mut rest = page;
    if let Some(head) = rest.find("</head>") {
        out.push_str(&rest[..head]);
        out.push_str(&format!("<meta name=\"csrf-token\" content=\"{token}\">"));
        rest = &rest[head..];
    }
    while let Some(start) = rest.find("<form") {
        let Some(length) = rest[start..].find('>') else { break };
        let (before, form) = rest.split_at(start);
        let tag = &form[..=length];
        out.push_str(before);
        if !tag.contains("method=\"post\"") {
            out.push_str(tag);
            rest = &form[tag.len()..];
        } else if may_edit || tag.contains(FOR_ALL) {
            out.push_str(tag);
            out.push_str(&format!("<input type=\"hidden\" name=\"{FIELD}\" value=\"{token}\">"));
            rest = &form[tag.len()..];
        } else {
            // Forms hold no forms.
            let end = form.find("</form>").map_or(form.len(), |end| end + "</form>".len());
            rest = &form[end..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<html><head></head><form action=\"/find\"><input></form>\
        <form method=\"post\" action=\"/pause\"><button>Pause</button></form> and \
        <form class=\"x\" method=\"post\" action=\"/logout\" data-for-all></form></html>";

    #[test]
    fn forms_that_post_carry_the_token_and_forms_that_ask_do_not() {
        let page = with_forms(PAGE, "t0k", true);
        assert_eq!(page.matches("name=\"csrf\" value=\"t0k\"").count(), 2);
        assert!(page.contains("<form action=\"/find\"><input></form>"));
        assert!(page.contains("<meta name=\"csrf-token\" content=\"t0k\"></head>"));
    }

    #[test]
    fn who_may_change_nothing_is_shown_no_form_that_does() {
        let page = with_forms(PAGE, "t0k", false);
        assert!(!page.contains("Pause") && !page.contains("/pause"), "{page}");
        assert!(page.contains("/logout") && page.contains(" and "), "{page}");
    }

    #[test]
    fn a_page_without_forms_stays_as_it_is() {
        for page in ["", "<p>text</p>", "<form", "a &lt;form method=\"post\"&gt; b"] {
            assert_eq!(with_forms(page, "t", false), page);
        }
    }
}
