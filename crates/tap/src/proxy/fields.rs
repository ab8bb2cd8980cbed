//! Header lines by place, and what a hop must know of them.
//!
//! Lines are never taken apart and put together again: what is forwarded is the bytes that came.
//! Only framing, hop-by-hop lines and lines that the hop before made irregular are written anew.

use std::ops::Range;

/// Lines of one head, beyond which it is refused.
pub(crate) const MAX_FIELDS: usize = 256;

/// What is special about a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Other,
    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    Upgrade,
    Te,
    /// Ends at this hop by its name, or because `Connection` names it.
    HopByHop,
    Expect,
    Shadow,
    MethodOverride,
    Origin,
    AskedMethod,
    ContentType,
}

/// One header line as places in its head.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Range<usize>,
    /// Without the white space around it.
    pub(crate) value: Range<usize>,
    pub(crate) kind: Kind,
}

impl Field {
    /// `head` must hold both slices of `header`.
    pub(crate) fn of(head: &[u8], header: &httparse::Header<'_>) -> Self {
        let place = |part: &[u8]| {
            let start = (part.as_ptr() as usize).saturating_sub(head.as_ptr() as usize);
            start..start + part.len()
        };
        let name = place(header.name.as_bytes());
        // An empty value may point anywhere.
        let value = if header.value.is_empty() { name.end..name.end } else { place(header.value) };
        Self { name, value, kind: classify(header.name.as_bytes()) }
    }

    pub(crate) fn name<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        head.get(self.name.clone()).unwrap_or_default()
    }

    pub(crate) fn value<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        head.get(self.value.clone()).unwrap_or_default()
    }
}

fn classify(name: &[u8]) -> Kind {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    match name.len() {
        2 if is("te") => Kind::Te,
        4 if is("host") => Kind::Host,
        6 if is("expect") => Kind::Expect,
        6 if is("origin") => Kind::Origin,
        7 if is("upgrade") => Kind::Upgrade,
        10 if is("connection") => Kind::Connection,
        10 if is("keep-alive") => Kind::HopByHop,
        14 if is("content-length") => Kind::ContentLength,
        14 if is("http2-settings") => Kind::HopByHop,
        12 if is("content-type") => Kind::ContentType,
        13 if is("x-http-method") => Kind::MethodOverride,
        16 if is("proxy-connection") => Kind::HopByHop,
        17 if is("transfer-encoding") => Kind::TransferEncoding,
        17 if is("x-method-override") => Kind::MethodOverride,
        19 if is("x-understudy-shadow") => Kind::Shadow,
        22 if is("x-http-method-override") => Kind::MethodOverride,
        29 if is("access-control-request-method") => Kind::AskedMethod,
        _ => Kind::Other,
    }
}

/// What the `Connection` lines of one head say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ConnectionSays {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
}

/// Reads the `Connection` lines and marks the lines they name. Host and framing cannot be named
/// away, and neither can the shadow mark.
pub(crate) fn read_connection(head: &[u8], fields: &mut [Field]) -> ConnectionSays {
    let mut says = ConnectionSays::default();
    for at in 0..fields.len() {
        let Some(field) = fields.get(at).filter(|field| field.kind == Kind::Connection) else {
            continue;
        };
        let value = field.value(head);
        for token in list(value) {
            if token.eq_ignore_ascii_case(b"close") {
                says.close = true;
            } else if token.eq_ignore_ascii_case(b"keep-alive") {
                says.keep_alive = true;
            } else if token.eq_ignore_ascii_case(b"upgrade") {
                says.upgrade = true;
            } else if !token.eq_ignore_ascii_case(b"te") {
                mark_named(head, fields, token);
            }
        }
    }
    says
}

fn mark_named(head: &[u8], fields: &mut [Field], token: &[u8]) {
    for field in fields {
        let protected = matches!(
            field.kind,
            Kind::Host
                | Kind::ContentLength
                | Kind::TransferEncoding
                | Kind::Connection
                | Kind::Shadow
        );
        if !protected && field.name(head).eq_ignore_ascii_case(token) {
            field.kind = Kind::HopByHop;
        }
    }
}

/// The items of a comma-separated list.
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

/// A `Content-Length` of digits alone.
pub(crate) fn content_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// `host`, `host:port` or `[address]:port`; may be empty.
pub(crate) fn is_host(value: &[u8]) -> bool {
    let (name, port) = match value.iter().rposition(|byte| *byte == b':') {
        Some(colon) if !value.get(colon..).unwrap_or_default().contains(&b']') => {
            (value.get(..colon).unwrap_or_default(), value.get(colon + 1..).unwrap_or_default())
        }
        _ => (value, &[][..]),
    };
    if !port.iter().all(u8::is_ascii_digit) || port.len() > 5 {
        return false;
    }
    if let Some(address) = name.strip_prefix(b"[") {
        let inner = address.strip_suffix(b"]");
        return inner.is_some_and(|inner| {
            !inner.is_empty()
                && inner.iter().all(|byte| byte.is_ascii_alphanumeric() || b":.-_~%".contains(byte))
        });
    }
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(byte);
    name.iter().all(in_name) && (!name.is_empty() || port.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_with_a_port() {
        for good in ["", "a", "a.b:80", "a_b", "127.0.0.1:9000", "[::1]", "[::1]:80", "x%20y"] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in ["a b", "a,b", "a/b", "u@h", "a:b", "a:1:2", "[::1", "[]", ":80", "a#b", "ä"] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn lengths_are_digits() {
        assert_eq!(content_length(b"0"), Some(0));
        assert_eq!(content_length(b"007"), Some(7));
        for bad in ["", "+5", "-1", "5,5", "0x5", "5 5", "99999999999999999999", "1_0"] {
            assert_eq!(content_length(bad.as_bytes()), None, "{bad}");
        }
    }
}
