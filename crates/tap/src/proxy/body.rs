//! Bodies: framing taken off and put on again (RFC 9112, section 6 and 7).

use super::request::head_end;

/// Digits of a chunk's size.
const MAX_SIZE_DIGITS: usize = 15;
/// A chunk's size with its extensions.
const MAX_SIZE_LINE: usize = 1024;
const MAX_TRAILERS: usize = 16 * 1024;

/// How a body's end is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    None,
    Length(u64),
    Chunked,
    /// Responses only.
    UntilClose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyError(pub(crate) &'static str);

/// One step through a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    Data(&'a [u8]),
    /// The last step; trailer lines without the empty one.
    End(&'a [u8]),
    /// More input is needed.
    More,
}

/// Takes the framing off a body. Strict with clients; of the primary's it takes spaces after a
/// chunk's size, which some servers write.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
    lenient: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Length(u64),
    Size,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
    Ended,
}

impl Decoder {
    pub(crate) fn of_client(framing: Framing) -> Self {
        Self { state: State::new(framing), lenient: false }
    }

    pub(crate) fn of_primary(framing: Framing) -> Self {
        Self { state: State::new(framing), lenient: true }
    }

    /// The end was reached, or needs no more input to be.
    pub(crate) fn ended(&self) -> bool {
        matches!(self.state, State::Ended | State::Length(0))
    }

    /// The next step in `input`, and how much of it the step takes.
    pub(crate) fn step<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Step<'a>), BodyError> {
        let mut skipped = 0;
        loop {
            let rest = input.get(skipped..).unwrap_or_default();
            match self.state {
                State::Ended | State::Length(0) => {
                    self.state = State::Ended;
                    return Ok((skipped, Step::End(&[])));
                }
                State::Length(left) => {
                    let (count, step) = take(rest, left);
                    self.state = State::Length(left - count as u64);
                    return Ok((skipped + count, step));
                }
                State::UntilClose => {
                    let (count, step) = take(rest, u64::MAX);
                    return Ok((skipped + count, step));
                }
                State::Chunk(left) => {
                    let (count, step) = take(rest, left);
                    let left = left - count as u64;
                    self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                    return Ok((skipped + count, step));
                }
                State::ChunkEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        skipped += 2;
                        self.state = State::Size;
                    }
                    [] | [b'\r'] => return Ok((skipped, Step::More)),
                    _ => return Err(BodyError("a chunk is longer than its size")),
                },
                State::Size => {
                    let Some((size, taken)) = chunk_size(rest, self.lenient)? else {
                        return Ok((skipped, Step::More));
                    };
                    skipped += taken;
                    self.state = if size == 0 { State::Trailers } else { State::Chunk(size) };
                }
                State::Trailers => {
                    let Some((lines, taken)) = trailers(rest)? else {
                        return Ok((skipped, Step::More));
                    };
                    self.state = State::Ended;
                    return Ok((skipped + taken, Step::End(lines)));
                }
            }
        }
    }

    /// The stream ended: was that the body's end?
    pub(crate) fn close(&mut self) -> bool {
        let complete = matches!(self.state, State::Ended | State::UntilClose | State::Length(0));
        if complete {
            self.state = State::Ended;
        }
        complete
    }
}

impl State {
    fn new(framing: Framing) -> Self {
        match framing {
            Framing::None => Self::Ended,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Size,
            Framing::UntilClose => Self::UntilClose,
        }
    }
}

fn take(input: &[u8], at_most: u64) -> (usize, Step<'_>) {
    let count = usize::try_from(at_most).unwrap_or(usize::MAX).min(input.len());
    match input.get(..count) {
        Some(data) if count > 0 => (count, Step::Data(data)),
        _ => (0, Step::More),
    }
}

/// The size and the length of its line, once the line is whole.
fn chunk_size(input: &[u8], lenient: bool) -> Result<Option<(u64, usize)>, BodyError> {
    let window = input.get(..input.len().min(MAX_SIZE_LINE)).unwrap_or_default();
    let Some(feed) = memchr::memchr(b'\n', window) else {
        if window.len() == MAX_SIZE_LINE {
            return Err(BodyError("a chunk's size line is too long"));
        }
        let digits = window.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let next = window.get(digits);
        let hopeless = digits > MAX_SIZE_DIGITS
            || next.is_some_and(|byte| !b";\r \t".contains(byte))
            || (digits == 0 && next.is_some());
        if hopeless {
            return Err(BodyError("a chunk's size is not a number"));
        }
        return Ok(None);
    };
    let line = window.get(..feed).and_then(|line| line.strip_suffix(b"\r"));
    let line = line.ok_or(BodyError("a chunk's size line ends without a carriage return"))?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (number, rest) = line.split_at(digits);
    let rest = if lenient { rest.trim_ascii_start() } else { rest };
    let extension = rest.is_empty() || rest.trim_ascii_start().starts_with(b";");
    let clean = rest.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f));
    if digits == 0 || digits > MAX_SIZE_DIGITS || !extension || !clean {
        return Err(BodyError("a chunk's size is not a number"));
    }
    let number = std::str::from_utf8(number).ok();
    let size = number.and_then(|number| u64::from_str_radix(number, 16).ok());
    let size = size.ok_or(BodyError("a chunk's size is not a number"))?;
    Ok(Some((size, feed + 1)))
}

/// Trailer lines and the length of the section, once it is whole.
fn trailers(input: &[u8]) -> Result<Option<(&[u8], usize)>, BodyError> {
    match input {
        [b'\r', b'\n', ..] => return Ok(Some((&[], 2))),
        [] | [b'\r'] => return Ok(None),
        _ => {}
    }
    let Some(end) = head_end(input, &mut 0) else {
        let over = input.len() > MAX_TRAILERS;
        return if over { Err(BodyError("the trailers are too long")) } else { Ok(None) };
    };
    let section = input.get(..end).unwrap_or_default();
    let lines = section.strip_suffix(b"\r\n").unwrap_or_default();
    let bare = memchr::memchr_iter(b'\n', section)
        .any(|at| at == 0 || section.get(at - 1).copied() != Some(b'\r'));
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let whole =
        matches!(httparse::parse_headers(section, &mut headers), Ok(httparse::Status::Complete(_)));
    if bare || !whole || end > MAX_TRAILERS {
        return Err(BodyError("the trailers are malformed"));
    }
    Ok(Some((lines, end)))
}

/// Appends one chunk.
pub(crate) fn write_chunk(data: &[u8], out: &mut Vec<u8>) {
    use std::io::Write as _;

    let _ = write!(out, "{:x}\r\n", data.len());
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// Appends the last chunk with those trailers that may be there.
pub(crate) fn write_last_chunk(trailers: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    for line in trailers.split_inclusive(|byte| *byte == b'\n') {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if !NEVER_TRAILERS.iter().any(|never| name.eq_ignore_ascii_case(never.as_bytes())) {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Framing, routing and authority: a reader that merged them into the head would be misled
/// (RFC 9110, section 6.5.1).
const NEVER_TRAILERS: &[&str] = &[
    "content-length",
    "transfer-encoding",
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "authorization",
    "cookie",
    "set-cookie",
    "content-encoding",
    "content-type",
    "content-range",
    "x-understudy-shadow",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything a decoder makes of `input` when it comes in pieces of `piece` bytes.
    fn decode(input: &[u8], framing: Framing, piece: usize) -> Result<(Vec<u8>, usize), BodyError> {
        let mut decoder = Decoder::of_client(framing);
        let (mut body, mut used, mut seen) = (Vec::new(), 0, 0);
        loop {
            let (taken, step) = decoder.step(&input[used..seen])?;
            let (data, end) = match step {
                Step::Data(data) => (Some(data.to_vec()), false),
                Step::End(_) => (None, true),
                Step::More if seen == input.len() => return Err(BodyError("short")),
                Step::More => {
                    seen = (seen + piece).min(input.len());
                    (None, false)
                }
            };
            used += taken;
            body.extend(data.unwrap_or_default());
            if end {
                return Ok((body, used));
            }
        }
    }

    #[test]
    fn chunks_are_the_same_in_pieces_of_any_size() {
        let good = b"4\r\nWiki\r\n6;a=\"b\"\r\npedia \r\n00e\r\nin \r\n\r\nchunks.\r\n0\r\nX: y\r\n\r\nGET";
        for piece in 1..good.len() {
            let (body, used) = decode(good, Framing::Chunked, piece).unwrap();
            assert_eq!(body, b"Wikipedia in \r\n\r\nchunks.");
            assert_eq!(&good[used..], b"GET");
        }
    }

    #[test]
    fn ambiguous_chunks_are_errors() {
        for bad in [
            "5\nhello\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
            "5;a\nb\r\nhello\r\n0\r\n\r\n",
            "5;a\rb\r\nhello\r\n0\r\n\r\n",
            "5\r\nhelloworld\r\n0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
            "\r\nhello",
            "-1\r\n",
            "5\r\nhello\r\n0\r\nX y\r\n\r\n",
            "5\r\nhello\r\n0\r\nX: y\n\r\n",
            "5\r\nhello\r\n0\r\n X: y\r\n\r\n",
        ] {
            let error = decode(bad.as_bytes(), Framing::Chunked, 1000).unwrap_err();
            assert_ne!(error, BodyError("short"), "{bad:?}");
        }
    }

    #[test]
    fn lengths_leave_what_follows() {
        let (body, used) = decode(b"helloGET", Framing::Length(5), 3).unwrap();
        assert_eq!((body.as_slice(), used), (&b"hello"[..], 5));
        let (body, used) = decode(b"GET", Framing::None, 3).unwrap();
        assert_eq!((body.as_slice(), used), (&b""[..], 0));
    }

    #[test]
    fn trailers_pass_but_for_framing() {
        let mut out = Vec::new();
        write_last_chunk(
            b"X-Sum: 1\r\nContent-Length: 9\r\nhost: b\r\nGrpc-Status: 0\r\n",
            &mut out,
        );
        assert_eq!(out, b"0\r\nX-Sum: 1\r\nGrpc-Status: 0\r\n\r\n");
    }
}
