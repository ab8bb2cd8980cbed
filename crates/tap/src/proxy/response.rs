//! Response heads: reading the primary's, and the head that goes to the client.
//!
//! Lenient where clients are (bare line feeds, folded lines, white space before a colon are put
//! right), strict where a response could be taken for two different ones.

use std::{mem::MaybeUninit, ops::Range};

use super::{
    body::Framing,
    fields::{self, ConnectionSays, Field, Kind, MAX_FIELDS},
    request::line,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// A response head as places in the buffer it was read into.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) length: usize,
    pub(crate) status: u16,
    reason: Range<usize>,
    pub(crate) framing: Framing,
    /// The primary keeps its connection after this response.
    pub(crate) keep_alive: bool,
    /// A length was stated, whether or not a body follows (HEAD, 304).
    stated: Option<Framing>,
}

/// What the client is told about its connection, beside the primary's head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToClient {
    /// An HTTP/1.0 client.
    pub(crate) old: bool,
    pub(crate) keep_alive: bool,
}

impl ResponseHead {
    /// Reads the whole head `head`; its lines go into `fields`.
    pub(crate) fn read(
        head: &[u8],
        fields: &mut Vec<Field>,
        head_request: bool,
    ) -> Result<Self, Malformed> {
        fields.clear();
        let mut space = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let parsed =
            response_parser().parse_response_with_uninit_headers(&mut response, head, &mut space);
        if !matches!(parsed, Ok(httparse::Status::Complete(length)) if length == head.len()) {
            return Err(Malformed("the head is malformed"));
        }
        let status =
            response.code.filter(|status| *status >= 100).ok_or(Malformed("the status"))?;
        let old = response.version == Some(0);
        fields.extend(response.headers.iter().map(|header| Field::of(head, header)));
        let says = fields::read_connection(head, fields);
        let stated = stated_framing(head, fields, old)?;
        let bodiless = head_request || status < 200 || status == 204 || status == 304;
        let framing = if bodiless { Framing::None } else { stated.unwrap_or(Framing::UntilClose) };
        Ok(Self {
            length: head.len(),
            status,
            reason: reason(head),
            framing,
            keep_alive: keeps(says, old)
                && framing != Framing::UntilClose
                && !doubly_framed(fields),
            stated,
        })
    }

    /// How the body goes to the client.
    pub(crate) fn framing_for(&self, old: bool) -> Framing {
        match self.framing {
            Framing::UntilClose if !old => Framing::Chunked,
            Framing::Chunked if old => Framing::UntilClose,
            framing => framing,
        }
    }

    /// Writes the head for the client: the lines as they came, and exactly one of
    /// `Content-Length` and `chunked` where the primary's stood.
    pub(crate) fn write(&self, head: &[u8], fields: &[Field], to: ToClient, out: &mut Vec<u8>) {
        self.write_start(head, out);
        let mut framing = self.framing_line(to.old);
        for field in fields {
            match (field.kind, framing) {
                (Kind::ContentLength, Some(Framing::Length(length))) => {
                    line(out, field.name(head), length.to_string().as_bytes());
                    framing = None;
                }
                (Kind::TransferEncoding, Some(Framing::Chunked)) => {
                    line(out, field.name(head), b"chunked");
                    framing = None;
                }
                (Kind::Upgrade, _) if self.status == 426 => write_line(head, field, out),
                (kind, _) if ends_here(kind) => {}
                _ => write_line(head, field, out),
            }
        }
        if framing == Some(Framing::Chunked) {
            line(out, b"Transfer-Encoding", b"chunked");
        }
        match (to.keep_alive, self.status == 426) {
            (false, true) => line(out, b"Connection", b"close, Upgrade"),
            (false, false) => line(out, b"Connection", b"close"),
            (true, true) => line(out, b"Connection", b"Upgrade"),
            (true, false) if to.old => line(out, b"Connection", b"keep-alive"),
            (true, false) => {}
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Writes an informational head; `upgrade` for the 101 that was asked for.
    pub(crate) fn write_informational(
        &self,
        head: &[u8],
        fields: &[Field],
        upgrade: bool,
        out: &mut Vec<u8>,
    ) {
        self.write_start(head, out);
        for field in fields {
            match field.kind {
                Kind::Upgrade if upgrade => write_line(head, field, out),
                kind if ends_here(kind) => {}
                _ => write_line(head, field, out),
            }
        }
        if upgrade {
            line(out, b"Connection", b"Upgrade");
        }
        out.extend_from_slice(b"\r\n");
    }

    fn write_start(&self, head: &[u8], out: &mut Vec<u8>) {
        out.reserve(self.length + 64);
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(self.status.to_string().as_bytes());
        out.push(b' ');
        out.extend_from_slice(head.get(self.reason.clone()).unwrap_or_default());
        out.extend_from_slice(b"\r\n");
    }

    /// What is said of the length. A response without a body repeats what the primary stated
    /// (HEAD, 304), but for 204.
    fn framing_line(&self, old: bool) -> Option<Framing> {
        match self.framing_for(old) {
            Framing::None if self.status == 204 => None,
            Framing::None => self.stated.filter(|stated| {
                matches!(stated, Framing::Length(_)) || !(old || self.status == 304)
            }),
            Framing::UntilClose => None,
            framing => Some(framing),
        }
    }
}

/// Lines that say something of the primary's connection or framing.
fn ends_here(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Connection
            | Kind::HopByHop
            | Kind::Te
            | Kind::Upgrade
            | Kind::ContentLength
            | Kind::TransferEncoding
    )
}

fn keeps(says: ConnectionSays, old: bool) -> bool {
    if old { says.keep_alive && !says.close } else { !says.close }
}

/// `Content-Length` beside `Transfer-Encoding`: the coding counts, and the connection ends.
fn doubly_framed(fields: &[Field]) -> bool {
    let has = |kind| fields.iter().any(|field| field.kind == kind);
    has(Kind::ContentLength) && has(Kind::TransferEncoding)
}

fn stated_framing(head: &[u8], fields: &[Field], old: bool) -> Result<Option<Framing>, Malformed> {
    let mut length = None;
    let mut chunked = false;
    for field in fields {
        let value = field.value(head);
        match field.kind {
            Kind::ContentLength => {
                let mut any = false;
                for item in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                    let this = fields::content_length(item)
                        .ok_or(Malformed("the Content-Length is not a number"))?;
                    if length.is_some_and(|length| length != this) {
                        return Err(Malformed("two different Content-Length"));
                    }
                    length = Some(this);
                    any = true;
                }
                if !any {
                    return Err(Malformed("the Content-Length is empty"));
                }
            }
            Kind::TransferEncoding => {
                if chunked || old || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Malformed("a Transfer-Encoding other than chunked"));
                }
                chunked = true;
            }
            _ => {}
        }
    }
    Ok(if chunked { Some(Framing::Chunked) } else { length.map(Framing::Length) })
}

/// The reason phrase as it stands; may be empty.
fn reason(head: &[u8]) -> Range<usize> {
    let feed = memchr::memchr(b'\n', head).unwrap_or(head.len());
    let text = head.get(..feed).unwrap_or_default();
    let end = text.strip_suffix(b"\r").unwrap_or(text).len();
    // `HTTP/1.x NNN `
    let start = 13.min(end);
    start..end
}

/// The line as it came; white space before the colon and folds are put right.
fn write_line(head: &[u8], field: &Field, out: &mut Vec<u8>) {
    let name = field.name(head);
    let whole = head.get(field.name.start..field.value.end).unwrap_or_default();
    let value = field.value(head);
    let regular = head.get(field.name.end) == Some(&b':') && memchr::memchr(b'\n', whole).is_none();
    if regular && !value.is_empty() {
        out.extend_from_slice(whole);
        out.extend_from_slice(b"\r\n");
        return;
    }
    line(out, name, &unfold(value));
}

/// A folded value on one line.
pub(crate) fn unfold(value: &[u8]) -> Vec<u8> {
    value.iter().map(|byte| if b"\r\n".contains(byte) { b' ' } else { *byte }).collect()
}

/// As lenient as clients are.
pub(crate) fn response_parser() -> httparse::ParserConfig {
    let mut parser = httparse::ParserConfig::default();
    parser
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true);
    parser
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(ResponseHead, Vec<Field>), Malformed> {
        let mut fields = Vec::new();
        ResponseHead::read(text.as_bytes(), &mut fields, false).map(|head| (head, fields))
    }

    #[test]
    fn the_end_of_a_body_is_known_in_one_way_only() {
        let table = [
            ("Content-Length: 5", Some(Framing::Length(5))),
            ("Content-Length: 5\r\ncontent-length: 5", Some(Framing::Length(5))),
            ("Content-Length: 5, 5", Some(Framing::Length(5))),
            ("Content-Length: 5\r\ncontent-length: 6", None),
            ("Content-Length: +5", None),
            ("Content-Length: ", None),
            ("Transfer-Encoding: Chunked", Some(Framing::Chunked)),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5", Some(Framing::Chunked)),
            ("Transfer-Encoding: gzip, chunked", None),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", None),
            ("X: y", Some(Framing::UntilClose)),
        ];
        for (lines, expected) in table {
            let framing = read(&format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n"));
            assert_eq!(framing.ok().map(|(head, _)| head.framing), expected, "{lines}");
        }
    }

    #[test]
    fn irregular_lines_are_put_right_and_others_left() {
        let text = "HTTP/1.1 299 It is \u{fc}\r\nX-a:b\r\nX-B :  c\r\nX-C: d\r\n e\r\n\
                    Keep-Alive: 5\r\nDate:   now\r\nContent-Length: 0\r\n\r\n";
        let (head, fields) = read(text).unwrap();
        let mut out = Vec::new();
        let to = ToClient { old: false, keep_alive: true };
        head.write(text.as_bytes(), &fields, to, &mut out);
        let out = String::from_utf8(out).unwrap();
        assert_eq!(
            out,
            "HTTP/1.1 299 It is \u{fc}\r\nX-a:b\r\nX-B: c\r\nX-C: d   e\r\nDate:   now\r\n\
             Content-Length: 0\r\n\r\n"
        );
    }
}
