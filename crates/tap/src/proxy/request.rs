//! Request heads: strict reading, and the head that goes to the primary.
//!
//! Refused, because two readers could take them for two different things: bare line feeds,
//! folded lines, white space before a colon, control characters, more than one `Content-Length`,
//! `Content-Length` beside `Transfer-Encoding`, any coding but `chunked`, codings in HTTP/1.0,
//! no or several `Host`, an absolute target that is not that host's (RFC 9112, sections 2 to 7).

use std::ops::Range;

use super::{
    body::Framing,
    fields::{self, Field, Kind, MAX_FIELDS},
    refusal::Refusal,
};

/// What a head may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadLimits {
    pub(crate) head: usize,
    pub(crate) target: usize,
}

/// A request head as places in the buffer it was read into.
#[derive(Debug)]
pub(crate) struct RequestHead {
    /// Bytes of the head with its empty line.
    pub(crate) length: usize,
    pub(crate) method: Range<usize>,
    pub(crate) target: Range<usize>,
    /// The part of the target from its path on: all of it but in absolute form.
    pub(crate) path: Range<usize>,
    /// HTTP/1.0.
    pub(crate) old: bool,
    pub(crate) framing: Framing,
    /// The client wants the connection kept.
    pub(crate) keep_alive: bool,
    /// The client asks for another protocol, and may.
    pub(crate) upgrade: bool,
    pub(crate) expects: bool,
    pub(crate) host: bool,
}

/// Where the head in `data` ends; `from` is where an earlier look has ended, and is moved on.
pub(crate) fn head_end(data: &[u8], from: &mut usize) -> Option<usize> {
    let mut at = *from;
    while let Some(found) = memchr::memchr(b'\n', data.get(at..).unwrap_or_default()) {
        let feed = at + found;
        match data.get(feed + 1..).unwrap_or_default() {
            [b'\n', ..] => return Some(feed + 2),
            [b'\r', b'\n', ..] => return Some(feed + 3),
            [] | [b'\r'] => {
                *from = feed;
                return None;
            }
            _ => at = feed + 1,
        }
    }
    *from = data.len();
    None
}

/// Why a head that is not whole yet cannot become a good one: nobody waits for the rest of what
/// is not HTTP.
pub(crate) fn hopeless(data: &[u8], limits: HeadLimits) -> Option<Refusal> {
    if data.contains(&b'\n') {
        return request_line(data, limits).err();
    }
    let first = data.iter().take_while(|byte| **byte != b' ');
    first.clone().any(|byte| !is_token(byte)).then(|| Refusal::bad("the method is not a token"))
}

impl RequestHead {
    /// Reads the whole head `head`; its lines go into `fields`.
    pub(crate) fn read(
        head: &[u8],
        fields: &mut Vec<Field>,
        limits: HeadLimits,
    ) -> Result<Self, Refusal> {
        let (line, method, target, old) = request_line(head, limits)?;
        if memchr::memchr_iter(b'\n', head)
            .any(|at| at == 0 || head.get(at - 1).copied() != Some(b'\r'))
        {
            return Err(Refusal::bad("a line ends without a carriage return"));
        }
        read_fields(head, line, fields)?;
        let says = fields::read_connection(head, fields);
        let host = check_host(head, fields, old)?;
        let path = check_target(head, &method, &target, host)?;
        let framing = framing(head, fields, old)?;
        let empty = matches!(framing, Framing::None | Framing::Length(0));
        Ok(Self {
            length: head.len(),
            method,
            target,
            path,
            old,
            framing,
            keep_alive: if old { says.keep_alive && !says.close } else { !says.close },
            upgrade: says.upgrade && !old && empty && asks_protocol(head, fields),
            expects: !old && fields.iter().any(|field| field.kind == Kind::Expect),
            host: host.is_some(),
        })
    }

    pub(crate) fn method<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        head.get(self.method.clone()).unwrap_or_default()
    }

    /// Writes the head for the primary. `authority` is the host for a request that names none.
    pub(crate) fn write(&self, head: &[u8], fields: &[Field], authority: &str, out: &mut Vec<u8>) {
        out.reserve(self.length + 64);
        out.extend_from_slice(self.method(head));
        out.push(b' ');
        out.extend_from_slice(head.get(self.target.clone()).unwrap_or_default());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        if !self.host {
            line(out, b"Host", authority.as_bytes());
        }
        let mut kept = None;
        for field in fields {
            if self.passes(field) {
                kept.get_or_insert(field.name.start);
                continue;
            }
            copy_run(head, kept.take(), field.name.start, out);
            self.rewrite(head, field, out);
        }
        // The head's own empty line ends the last run; without one it is written.
        match kept {
            Some(start) => copy_run(head, Some(start), self.length, out),
            None => out.extend_from_slice(b"\r\n"),
        }
    }

    /// The line goes on as it came.
    fn passes(&self, field: &Field) -> bool {
        match field.kind {
            Kind::ContentLength
            | Kind::TransferEncoding
            | Kind::Connection
            | Kind::HopByHop
            | Kind::Te => false,
            Kind::Upgrade => self.upgrade,
            _ => true,
        }
    }

    fn rewrite(&self, head: &[u8], field: &Field, out: &mut Vec<u8>) {
        let name = field.name(head);
        match (field.kind, self.framing) {
            (Kind::ContentLength, Framing::Length(length)) => {
                line(out, name, length.to_string().as_bytes());
            }
            (Kind::TransferEncoding, Framing::Chunked) => line(out, name, b"chunked"),
            (Kind::Connection, _) if self.upgrade => line(out, name, b"Upgrade"),
            (Kind::Te, _) if takes_trailers(field.value(head)) => line(out, name, b"trailers"),
            _ => {}
        }
    }
}

/// `Name: value` and the line's end.
pub(crate) fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn copy_run(head: &[u8], start: Option<usize>, end: usize, out: &mut Vec<u8>) {
    if let Some(start) = start {
        out.extend_from_slice(head.get(start..end).unwrap_or_default());
    }
}

fn takes_trailers(te: &[u8]) -> bool {
    fields::list(te).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

type RequestLine = (usize, Range<usize>, Range<usize>, bool);

/// The place after the request line, method, target, and whether it is HTTP/1.0.
fn request_line(head: &[u8], limits: HeadLimits) -> Result<RequestLine, Refusal> {
    let malformed = || Refusal::bad("the request line is malformed");
    let feed = memchr::memchr(b'\n', head).ok_or_else(malformed)?;
    let text = head.get(..feed).and_then(|line| line.strip_suffix(b"\r")).ok_or_else(malformed)?;
    let method_end = memchr::memchr(b' ', text).ok_or_else(malformed)?;
    let target_end = memchr::memrchr(b' ', text).ok_or_else(malformed)?;
    let method = text.get(..method_end).unwrap_or_default();
    if method.is_empty() || !method.iter().all(is_token) {
        return Err(Refusal::bad("the method is not a token"));
    }
    let target = text.get(method_end + 1..target_end).unwrap_or_default();
    if target.is_empty() || target.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return Err(Refusal::bad("the target is empty or has white space or control characters"));
    }
    if target.len() > limits.target {
        return Err(Refusal::TARGET_TOO_LONG);
    }
    let old = match text.get(target_end + 1..).unwrap_or_default() {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        version if version.starts_with(b"HTTP/") && version.len() == 8 => {
            return Err(Refusal::VERSION);
        }
        _ => return Err(malformed()),
    };
    Ok((feed + 1, 0..method_end, method_end + 1..target_end, old))
}

fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

fn read_fields(head: &[u8], from: usize, fields: &mut Vec<Field>) -> Result<(), Refusal> {
    fields.clear();
    let lines = head.get(from..).unwrap_or_default();
    let mut few = [httparse::EMPTY_HEADER; 48];
    let mut many;
    let mut parsed = httparse::parse_headers(lines, &mut few);
    if parsed == Err(httparse::Error::TooManyHeaders) {
        many = [httparse::EMPTY_HEADER; MAX_FIELDS];
        parsed = httparse::parse_headers(lines, &mut many);
    }
    match parsed {
        Ok(httparse::Status::Complete((_, headers))) => {
            fields.extend(headers.iter().map(|header| Field::of(head, header)));
            Ok(())
        }
        Err(httparse::Error::TooManyHeaders) => Err(Refusal::HEAD_TOO_LARGE),
        Ok(httparse::Status::Partial) | Err(_) => Err(Refusal::bad("a header line is malformed")),
    }
}

/// The one `Host`, where there is one.
fn check_host<'a>(
    head: &'a [u8],
    fields: &[Field],
    old: bool,
) -> Result<Option<&'a [u8]>, Refusal> {
    let mut hosts = fields.iter().filter(|field| field.kind == Kind::Host);
    let host = hosts.next().map(|field| field.value(head));
    if hosts.next().is_some() {
        return Err(Refusal::bad("there is more than one Host"));
    }
    match host {
        None if !old => Err(Refusal::bad("there is no Host")),
        Some(host) if !fields::is_host(host) => Err(Refusal::bad("the Host is malformed")),
        host => Ok(host),
    }
}

/// The part of the target from its path on.
fn check_target(
    head: &[u8],
    method: &Range<usize>,
    target: &Range<usize>,
    host: Option<&[u8]>,
) -> Result<Range<usize>, Refusal> {
    let name = head.get(method.clone()).unwrap_or_default();
    let text = head.get(target.clone()).unwrap_or_default();
    if name == b"CONNECT" {
        return Err(Refusal::bad("CONNECT is for proxies, and this is none"));
    }
    if text.starts_with(b"/") || (text == b"*" && name == b"OPTIONS") {
        return Ok(target.clone());
    }
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme.as_bytes()).then_some(rest)
    });
    let Some(rest) = rest else {
        return Err(Refusal::bad("the target is neither a path nor this host's address"));
    };
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    if authority.is_empty() || !host.is_some_and(|host| authority.eq_ignore_ascii_case(host)) {
        return Err(Refusal::bad("the target names another host than Host"));
    }
    Ok(target.start + (text.len() - rest.len()) + end..target.end)
}

fn framing(head: &[u8], fields: &[Field], old: bool) -> Result<Framing, Refusal> {
    let mut framing = Framing::None;
    for field in fields {
        let value = field.value(head);
        let this = match field.kind {
            Kind::ContentLength => Framing::Length(
                fields::content_length(value)
                    .ok_or(Refusal::bad("the Content-Length is not one number"))?,
            ),
            Kind::TransferEncoding if old => {
                return Err(Refusal::bad("HTTP/1.0 has no Transfer-Encoding"));
            }
            Kind::TransferEncoding if value.eq_ignore_ascii_case(b"chunked") => Framing::Chunked,
            Kind::TransferEncoding => {
                return Err(Refusal::bad("a Transfer-Encoding other than chunked"));
            }
            _ => continue,
        };
        if framing != Framing::None {
            return Err(Refusal::bad("the body's length is stated more than once"));
        }
        framing = this;
    }
    Ok(framing)
}

/// One protocol is asked for that can be passed on raw. HTTP/2 and TLS would be spoken with
/// whoever is behind this connection later: never.
fn asks_protocol(head: &[u8], fields: &[Field]) -> bool {
    let mut asked = fields.iter().filter(|field| field.kind == Kind::Upgrade);
    let (Some(field), None) = (asked.next(), asked.next()) else { return false };
    let value = field.value(head);
    let name = value.split(|byte| *byte == b'/').next().unwrap_or_default();
    let own = ["h2c", "h2", "http", "tls", "h3"];
    !value.is_empty()
        && !value.contains(&b',')
        && !own.iter().any(|own| name.trim_ascii().eq_ignore_ascii_case(own.as_bytes()))
}
