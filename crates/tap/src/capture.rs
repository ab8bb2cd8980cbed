//! The copy of one exchange, as raw bytes: what a worker gathers and the publisher reads.

use std::mem::MaybeUninit;

use bytes::Bytes;
use exchange::{Body, Header, Headers, Micros, Request, Response, SessionKey};

use crate::{
    budget::Held,
    policy::Content,
    proxy::{MAX_FIELDS, response_parser, unfold},
};

/// One request with the primary's whole response, copied out of the connections' buffers.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) started_at: Micros,
    pub(crate) first_byte_us: u64,
    pub(crate) duration_us: u64,
    pub(crate) connection: u64,
    /// Where sampling already had to find it.
    pub(crate) session: Option<SessionKey>,
    pub(crate) write: bool,
    /// Whether the body may make it a write.
    pub(crate) content: Content,
    pub(crate) slice: Option<usize>,
    /// Head, then body.
    pub(crate) request: Vec<u8>,
    pub(crate) request_head: usize,
    pub(crate) status: u16,
    /// Head, then body unless `digest` stands for it.
    pub(crate) response: Vec<u8>,
    pub(crate) response_head: usize,
    pub(crate) digest: Option<Digest>,
    /// The response's body is of a type of which only length and hash are kept.
    pub(crate) hash_only: bool,
    pub(crate) held: Held,
}

/// A response body over the cap.
#[derive(Debug, Clone)]
pub(crate) struct Digest {
    pub(crate) length: u64,
    pub(crate) hasher: Box<blake3::Hasher>,
}

impl Capture {
    /// Gives back space that bodies of unknown length took and did not need: what is held is
    /// what is counted.
    pub(crate) fn trim(&mut self) {
        for bytes in [&mut self.request, &mut self.response] {
            if bytes.capacity() - bytes.len() > 4096 {
                bytes.shrink_to_fit();
            }
        }
    }

    /// The request without its body: what a session is found by.
    pub(crate) fn request_head(&self) -> Option<Request> {
        parse_request(&Bytes::copy_from_slice(self.request.get(..self.request_head)?))
    }

    /// Looks at the body where it counts; `false` where that makes it a write that is not copied.
    pub(crate) fn is_copied(&mut self) -> bool {
        let Content::Checked { writes } = self.content else { return true };
        self.content = Content::Any;
        if self.changes_something() {
            self.write = true;
        }
        writes || !self.write
    }

    fn changes_something(&self) -> bool {
        let Some(head) = self.request_head() else { return true };
        let body = self.request.get(self.request_head..).unwrap_or_default();
        let request = Request { body: Bytes::copy_from_slice(body), ..head };
        exchange::graphql::may_mutate(&request) || overrides_method(&request)
    }

    /// The request and response as the words on the wire, and the share of the budget they take.
    /// `None` where the target is not UTF-8 and cannot be said in them.
    pub(crate) fn into_messages(self) -> Option<(Request, Response, Held)> {
        let mut whole = Bytes::from(self.request);
        let body = whole.split_off(self.request_head.min(whole.len()));
        let request = Request { body, ..parse_request(&whole)? };
        let mut whole = Bytes::from(self.response);
        let body = whole.split_off(self.response_head.min(whole.len()));
        let body = match self.digest {
            Some(digest) => {
                Body::Digest { length: digest.length, blake3: *digest.hasher.finalize().as_bytes() }
            }
            None => Body::Whole(body),
        };
        let headers = parse_response_headers(&whole)?;
        Some((request, Response { status: self.status, headers, body }, self.held))
    }
}

/// Whether a form names another method than its own, as frameworks let browsers do.
fn overrides_method(request: &Request) -> bool {
    let kind = request.headers.get("content-type").unwrap_or_default();
    let form = kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form");
    form && request.body.split(|byte| *byte == b'&').any(|pair| {
        let method = pair.strip_prefix(b"_method=").unwrap_or(b"get");
        ![&b"get"[..], b"head", b"options", b"post"]
            .iter()
            .any(|named| method.eq_ignore_ascii_case(named))
    })
}

/// A head that the proxy has accepted, as the words on the wire.
pub(crate) fn parse_request(head: &Bytes) -> Option<Request> {
    let line_end = memchr::memchr(b'\n', head)?;
    let line = std::str::from_utf8(head.get(..line_end)?).ok()?;
    let (method, rest) = line.split_once(' ')?;
    let (target, _) = rest.rsplit_once(' ')?;
    Some(Request {
        method: method.to_owned(),
        target: origin_form(target),
        headers: request_headers(head, head.get(line_end + 1..)?)?,
        body: Bytes::new(),
    })
}

fn request_headers(head: &Bytes, lines: &[u8]) -> Option<Headers> {
    // Room for all that a head may have takes longer to clear than most heads to read.
    let mut few = [httparse::EMPTY_HEADER; 32];
    let mut many;
    let mut parsed = httparse::parse_headers(lines, &mut few);
    if parsed == Err(httparse::Error::TooManyHeaders) {
        many = [httparse::EMPTY_HEADER; MAX_FIELDS];
        parsed = httparse::parse_headers(lines, &mut many);
    }
    let Ok(httparse::Status::Complete((_, found))) = parsed else { return None };
    Some(headers(head, found))
}

fn parse_response_headers(head: &Bytes) -> Option<Headers> {
    let mut space = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    response_parser().parse_response_with_uninit_headers(&mut response, head, &mut space).ok()?;
    Some(headers(head, response.headers))
}

/// Lines in order and case; values without the white space around them, folds put right.
fn headers(head: &Bytes, lines: &[httparse::Header<'_>]) -> Headers {
    let value = |value: &[u8]| match memchr::memchr(b'\n', value) {
        None => head.slice_ref(value),
        Some(_) => unfold(value).into(),
    };
    let line = |line: &httparse::Header<'_>| Header {
        name: line.name.to_owned(),
        value: value(line.value),
    };
    Headers(lines.iter().map(line).collect())
}

/// The target without scheme and authority.
fn origin_form(target: &str) -> String {
    if target.starts_with('/') || target == "*" {
        return target.to_owned();
    }
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    match rest.find(['/', '?', '#']) {
        Some(at) => {
            let rest = rest.get(at..).unwrap_or_default();
            if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") }
        }
        None => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_told_in_origin_form() {
        let table = [
            ("/a?b", "/a?b"),
            ("*", "*"),
            ("http://h/a?b", "/a?b"),
            ("http://h", "/"),
            ("http://h?b", "/?b"),
            ("//h/a", "//h/a"),
        ];
        for (target, expected) in table {
            assert_eq!(origin_form(target), expected);
        }
    }

    #[test]
    fn heads_keep_order_case_and_bytes() {
        let head = b"GET /a HTTP/1.1\r\nHost: b\r\nX-a: 1\r\nx-A:\xfc \r\nEmpty:\r\n\r\n";
        let request = parse_request(&Bytes::from_static(head)).unwrap();
        let lines: Vec<(&str, &[u8])> =
            request.headers.iter().map(|line| (line.name.as_str(), line.value.as_ref())).collect();
        let expected: [(&str, &[u8]); 4] =
            [("Host", b"b"), ("X-a", b"1"), ("x-A", b"\xfc"), ("Empty", b"")];
        assert_eq!(lines, expected);
    }
}
