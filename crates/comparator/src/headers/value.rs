//! Values in a form in which equal meanings are equal texts.

use url::Url;

use super::Asked;

pub(super) fn canonical(name: &str, value: &str, asked: Asked<'_>) -> String {
    match name {
        "content-type" => content_type(value),
        "location" | "content-location" => location(value, asked),
        "cache-control"
        | "pragma"
        | "vary"
        | "allow"
        | "accept-ranges"
        | "accept-patch"
        | "accept-post"
        | "content-language"
        | "access-control-allow-headers"
        | "access-control-allow-methods"
        | "access-control-expose-headers" => set(value),
        "www-authenticate" | "proxy-authenticate" => challenges(value),
        _ => parts(value, ',').collect::<Vec<_>>().join(", "),
    }
}

/// What stands between the separators outside of quotes (RFC 9110, 5.6.4), without blanks around.
pub(super) fn parts(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let ends = move |char: char| {
        let separates = char == separator && !quoted;
        quoted ^= char == '"' && !escaped;
        escaped = char == '\\' && quoted && !escaped;
        separates
    };
    value.split(ends).map(str::trim)
}

/// `name=value`, the name in lower case and the value without its quotes; `None` for a word.
fn parameter(part: &str) -> Option<(String, String)> {
    let (name, value) = part.split_once('=')?;
    let value = value.trim();
    let plain = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let value = plain.map_or_else(|| value.to_owned(), |inner| inner.replace('\\', ""));
    Some((name.trim().to_ascii_lowercase(), value))
}

/// Media type and parameters, whatever their order; JSON is UTF-8 whether it says so or not, and
/// a boundary is made for each body.
fn content_type(value: &str) -> String {
    let mut parts = parts(value, ';');
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let json = media == "application/json" || media.ends_with("+json");
    let mut parameters: Vec<String> = parts
        .filter_map(parameter)
        .filter_map(|(name, value)| match name.as_str() {
            "boundary" => None,
            "charset" => {
                let charset = value.to_ascii_lowercase();
                let charset = if charset == "utf8" { "utf-8" } else { charset.as_str() };
                (!json || charset != "utf-8").then(|| format!("; charset={charset}"))
            }
            _ => Some(format!("; {name}={value}")),
        })
        .collect();
    parameters.sort_unstable();
    media + &parameters.concat()
}

/// A reference to the host that was asked as the path it leads to: relative and absolute are the
/// same there. The scheme does not count, as copies may travel by another one.
fn location(value: &str, asked: Asked<'_>) -> String {
    // Without a host any will do: only what is relative then leads to it.
    let base = format!("http://{}", asked.host.unwrap_or("no.host.invalid"));
    let Some(base) = Url::parse(&base).ok().and_then(|base| base.join(asked.target).ok()) else {
        return value.to_owned();
    };
    match base.join(value) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https") && authority(&url) == authority(&base) =>
        {
            url[url::Position::BeforePath..].to_owned()
        }
        Ok(url) => url.into(),
        Err(_) => value.to_owned(),
    }
}

/// Host and port, of which the usual ones are left out.
fn authority(url: &Url) -> (Option<&str>, Option<u16>) {
    (url.host_str(), url.port().filter(|port| !matches!(port, 80 | 443)))
}

/// A comma-separated list whose order and case mean nothing.
fn set(value: &str) -> String {
    let mut items: Vec<String> = parts(value, ',')
        .filter(|item| !item.is_empty())
        .map(|item| match parameter(item) {
            // Quotes are free, save around what would not be one word without them.
            Some((name, value)) if value.contains([',', ' ']) => format!("{name}=\"{value}\""),
            Some((name, value)) => format!("{name}={value}"),
            None => item.to_owned(),
        })
        .map(|item| item.to_ascii_lowercase())
        .collect();
    items.sort_unstable();
    items.dedup();
    items.join(", ")
}

/// Schemes, realms, scopes and errors; nonces and the like are made for each answer.
fn challenges(value: &str) -> String {
    let mut challenges: Vec<Vec<String>> = Vec::new();
    for part in parts(value, ',').filter(|part| !part.is_empty()) {
        // A challenge begins with a word of its own, and perhaps its first parameter.
        let (scheme, rest) = match part.split_once(' ') {
            Some((word, rest)) if !word.contains('=') => (Some(word), rest.trim_start()),
            None if !part.contains('=') => (Some(part), ""),
            _ => (None, part),
        };
        if let Some(scheme) = scheme {
            challenges.push(vec![scheme.to_ascii_lowercase()]);
        }
        if let Some((name, value)) = parameter(rest)
            && matches!(name.as_str(), "realm" | "scope" | "error")
            && let Some(challenge) = challenges.last_mut()
        {
            challenge.push(format!("{name}=\"{value}\""));
        }
    }
    for challenge in &mut challenges {
        challenge[1..].sort_unstable();
    }
    challenges.sort_unstable();
    challenges.into_iter().map(|challenge| challenge.join(" ")).collect::<Vec<_>>().join(", ")
}
