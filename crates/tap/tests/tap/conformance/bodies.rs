//! Bodies of requests: chunks and their mistakes (RFC 9112, 7.1).

use super::{Forwarded, Forwarded::*, Request};

const fn case(why: &'static str, sent: &'static str, becomes: Forwarded) -> Request {
    Request { why, sent, becomes }
}

macro_rules! chunked {
    ($body:literal) => {
        concat!("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", $body)
    };
}

#[rustfmt::skip]
pub(crate) const CASES: &[Request] = &[
    case("one chunk", chunked!("5\r\nhello\r\n0\r\n\r\n"), Body("hello")),
    case("no chunk at all", chunked!("0\r\n\r\n"), Body("")),
    case("several chunks", chunked!("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), Body("hello")),
    case("sizes in capitals", chunked!("A\r\n0123456789\r\n0\r\n\r\n"), Body("0123456789")),
    case("leading zeros", chunked!("0005\r\nhello\r\n000\r\n\r\n"), Body("hello")),
    case("an extension", chunked!("5;a=b;c\r\nhello\r\n0;d\r\n\r\n"), Body("hello")),
    case("a quoted extension", chunked!("5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n"), Body("hello")),
    case("line ends within a chunk", chunked!("9\r\n\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n"), Body("\r\n0\r\n\r\n\r\n")),
    case("a chunk that looks like a request", chunked!("16\r\nGET /x HTTP/1.1\r\nHost:\r\n0\r\n\r\n"), Body("GET /x HTTP/1.1\r\nHost:")),
    case("trailers", chunked!("2\r\nhi\r\n0\r\nX: 1\r\nY: 2\r\n\r\n"), Body("hi")),
    // A size that two readers could read differently.
    case("no size", chunked!("\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a size that is no number", chunked!("zz\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a size with a sign", chunked!("+5\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a size below zero", chunked!("-5\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a size with a prefix", chunked!("0x5\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a size with an underscore", chunked!("0_5\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a size behind a space", chunked!(" 5\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a size before a space", chunked!("5 \r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a size before a tab", chunked!("5\t\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a space before an extension", chunked!("5 ;a\r\nhello\r\n0\r\n\r\n"), Body("hello")),
    case("a size with a dot", chunked!("5.0\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a size beyond 64 bits", chunked!("10000000000000005\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a size with more digits than any body needs", chunked!("0000000000000005\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a size in quotes", chunked!("\"5\"\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a size and a comma", chunked!("5,5\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("NUL behind the size", chunked!("5\0\r\nhello\r\n0\r\n\r\n"), BadBody),
    // Line ends that only some readers take for one.
    case("a bare line feed after the size", chunked!("5\nhello\r\n0\r\n\r\n"), BadBody),
    case("a bare carriage return after the size", chunked!("5\rhello\r\n0\r\n\r\n"), BadBody),
    case("a bare line feed in an extension", chunked!("5;a\nb\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a bare carriage return in an extension", chunked!("5;a\rb\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("NUL in an extension", chunked!("5;a\0b\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a bare line feed after the chunk", chunked!("5\r\nhello\n0\r\n\r\n"), BadBody),
    case("no line end after the chunk", chunked!("5\r\nhello0\r\n\r\n"), BadBody),
    case("two bytes for the line end after the chunk", chunked!("5\r\nhelloXX0\r\n\r\n"), BadBody),
    case("a chunk longer than its size", chunked!("5\r\nhello world\r\n0\r\n\r\n"), BadBody),
    case("a chunk shorter than its size", chunked!("7\r\nhello\r\n0\r\n\r\n"), BadBody),
    case("a bare line feed after the last size", chunked!("5\r\nhello\r\n0\n\r\n"), BadBody),
    // Trailers are lines like those of a head.
    case("a trailer without a colon", chunked!("0\r\nX\r\n\r\n"), BadBody),
    case("a trailer with a space before the colon", chunked!("0\r\nX : 1\r\n\r\n"), BadBody),
    case("a folded trailer", chunked!("0\r\nX: 1\r\n 2\r\n\r\n"), BadBody),
    case("a trailer that ends in a bare line feed", chunked!("0\r\nX: 1\n\r\n"), BadBody),
    case("NUL in a trailer", chunked!("0\r\nX: \0\r\n\r\n"), BadBody),
    case("a request where trailers should be", chunked!("0\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"), BadBody),
];
