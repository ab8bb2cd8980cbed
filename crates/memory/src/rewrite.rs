//! The request one side gets: the client's, with what that side made in place of the primary's.

use std::borrow::Cow;

use exchange::{Headers, Mapping, Request, Response};

use crate::{
    learn::{is_looked_up, text},
    leaves,
    place::{Kinds, Sought, is_unique, route},
    spots,
};

/// Every value in a request that may name something.
pub fn names(request: &Request, see: &mut dyn FnMut(&Sought<'_>)) {
    let mut find = |sought: &Sought<'_>| {
        see(sought);
        None
    };
    spots::target(&request.target, &mut find);
    spots::headers(&request.headers, &mut find);
    spots::cookies(&request.headers, &mut find);
    spots::body(request, &mut find);
}

/// Every value in an answer's body that may name something; `request` is what was asked.
pub fn answer_names(request: &Request, response: &Response, see: &mut dyn FnMut(&Sought<'_>)) {
    for name in ["location", "content-location"] {
        if let Some(link) = response.headers.get(name) {
            let kinds = Kinds { is_link: true, ..Kinds::default() };
            spots::value(link, &kinds, &mut |sought| {
                see(sought);
                None
            });
        }
    }
    for line in response.headers.all("set-cookie") {
        if let Some((name, _)) = std::str::from_utf8(line).ok().and_then(|l| l.split_once('=')) {
            spots::cookie_name(name.trim(), &mut |sought| {
                see(sought);
                None
            });
        }
    }
    let Some(body) = text(response) else { return };
    let route = route(request.path());
    let mut is_json = false;
    leaves::visit(&body, &mut |way, leaf| {
        is_json = true;
        let kinds = Kinds::of_way(way, &route);
        if leaf.is_string || is_looked_up(&kinds, &leaf.text) || spots::is_number(&leaf.text) {
            spots::value(&leaf.text, &kinds, &mut |sought| {
                see(sought);
                None
            });
        }
    });
    if !is_json {
        spots::within(&body, &mut |sought| {
            see(sought);
            None
        });
    }
}

/// The values of the cookies in a request.
#[must_use]
pub fn cookie_values(request: &Request) -> Vec<String> {
    let mut values = Vec::new();
    spots::cookies(&request.headers, &mut |sought| {
        values.push(sought.value.to_owned());
        None
    });
    values
}

/// The request with what `find` knows in it, and what was put in; `cookies` are those that the
/// other side alone has set.
pub fn rewrite<'r>(
    request: &'r Request,
    cookies: &[(String, String)],
    find: &mut dyn FnMut(&Sought<'_>) -> Option<Mapping>,
) -> (Cow<'r, Request>, Vec<Mapping>) {
    let mut used: Vec<Mapping> = Vec::new();
    let mut look = |sought: &Sought<'_>| {
        let mapping = find(sought)?;
        let other = mapping.other.clone();
        if !used.contains(&mapping) {
            used.push(mapping);
        }
        Some(other)
    };
    let target = spots::target(&request.target, &mut look);
    let mut headers = spots::headers(&request.headers, &mut look);
    let jar = spots::cookies(headers.as_ref().unwrap_or(&request.headers), &mut look);
    headers = jar.or(headers);
    if !cookies.is_empty() {
        add_cookies(headers.get_or_insert_with(|| request.headers.clone()), cookies);
    }
    let body = spots::body(request, &mut look);
    if target.is_none() && headers.is_none() && body.is_none() {
        return (Cow::Borrowed(request), used);
    }
    let new = Request {
        method: request.method.clone(),
        target: target.unwrap_or_else(|| request.target.clone()),
        headers: headers.unwrap_or_else(|| request.headers.clone()),
        body: body.unwrap_or_else(|| request.body.clone()),
    };
    (Cow::Owned(new), used)
}

/// Puts cookies of the other side's own into a request that does not have them.
fn add_cookies(headers: &mut Headers, cookies: &[(String, String)]) {
    for (name, value) in cookies {
        let cookie = format!("{name}={value}");
        let line = headers.0.iter_mut().find(|h| h.name.eq_ignore_ascii_case("cookie"));
        match line {
            Some(line) => {
                let text = String::from_utf8_lossy(&line.value).into_owned();
                let there = text
                    .split(';')
                    .any(|part| part.trim().split_once('=').is_some_and(|(n, _)| n == name));
                if !there {
                    line.value = format!("{text}; {cookie}").into();
                }
            }
            None => headers.push("cookie", cookie),
        }
    }
}

/// Whether a value alone says what it is.
pub(crate) fn stands_alone(sought: &Sought<'_>) -> bool {
    is_unique(sought.value)
}
