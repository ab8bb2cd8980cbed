//! Answers of the primary: what passes, what is put right, what is its mistake.

use super::{Answer, Passed, Passed::*};

const fn case(why: &'static str, said: &'static str, becomes: Passed) -> Answer {
    Answer { why, said, becomes }
}

macro_rules! ok {
    ($lines:literal, $body:literal) => {
        concat!("HTTP/1.1 200 OK\r\n", $lines, "\r\n\r\n", $body)
    };
}
macro_rules! chunked {
    ($body:literal) => {
        concat!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", $body)
    };
}

const LENGTH_2: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[rustfmt::skip]
pub(crate) const CASES: &[Answer] = &[
    case("a length", ok!("Content-Length: 2", "ok"), Same),
    case("a length of zero", ok!("Content-Length: 0", ""), Same),
    case("chunks", chunked!("2\r\nok\r\n0\r\n\r\n"), Both(CHUNKED, "ok")),
    case("chunks with extensions", chunked!("1;a\r\no\r\n1;b=\"c\"\r\nk\r\n0;d\r\n\r\n"), Both(CHUNKED, "ok")),
    case("spaces after a size, which some servers pad with", chunked!("2   \r\nok\r\n0  \r\n\r\n"), Both(CHUNKED, "ok")),
    case("trailers", chunked!("2\r\nok\r\n0\r\nX: 1\r\n\r\n"), Both(CHUNKED, "ok")),
    case("an end that only the connection tells", "HTTP/1.1 200 OK\r\nX: 1\r\n\r\nok", Both("HTTP/1.1 200 OK\r\nX: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "ok")),
    case("HTTP/1.0 with a length", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", Head(LENGTH_2)),
    case("HTTP/1.0 until the end", "HTTP/1.0 200 OK\r\n\r\nok", Both(CHUNKED, "ok")),
    case("204", "HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n", Same),
    case("204 has no length", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", Head("HTTP/1.1 204 No Content\r\n\r\n")),
    case("204 has no body, whatever follows", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", Both("HTTP/1.1 204 No Content\r\n\r\n", "")),
    case("304 states a length it does not send", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\n", Same),
    case("304 has no body, whatever follows", "HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Both("HTTP/1.1 304 Not Modified\r\n\r\n", "")),
    case("a status nobody knows", "HTTP/1.1 299 What\r\nContent-Length: 2\r\n\r\nok", Same),
    case("a status beyond the classes", "HTTP/1.1 799 What\r\nContent-Length: 2\r\n\r\nok", Same),
    case("no reason", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", Head("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n")),
    case("an empty reason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", Same),
    case("a reason in Latin-1", "HTTP/1.1 200 Sch\u{f6}n\r\nContent-Length: 2\r\n\r\nok", Same),
    case("a redirect is the client's to follow", "HTTP/1.1 302 Found\r\nLocation: //x/../y?\r\nContent-Length: 0\r\n\r\n", Same),
    case("401 goes on with its challenges", "HTTP/1.1 401 No\r\nWWW-Authenticate: a\r\nWWW-Authenticate: b\r\nContent-Length: 0\r\n\r\n", Same),
    case("an error with a body", "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", Same),
    case("a 502 of the primary's own", "HTTP/1.1 502 Mine\r\nContent-Length: 2\r\n\r\nno", Same),
    case("cookies stay apart", ok!("Set-Cookie: a=1, 2\r\nSet-Cookie: b\r\nset-cookie: c\r\nContent-Length: 2", "ok"), Same),
    case("order, case and spacing", ok!("x-b:1\r\nServer:  a  b\r\nX-A: 2\r\ncontent-LENGTH: 2\r\nDate: never", "ok"), Same),
    case("a compressed body is not touched", ok!("Content-Encoding: gzip\r\nContent-Length: 4", "\u{1f}\u{8b}\u{8}\0"), Same),
    case("bytes that are no UTF-8", ok!("X: \u{e4}\u{ff}\r\nContent-Length: 2", "\u{e4}\u{ff}"), Same),
    // What ends at this hop.
    case("the primary's close is not the client's", ok!("Connection: close\r\nContent-Length: 2", "ok"), Head(LENGTH_2)),
    case("what Connection names", ok!("Connection: X-A\r\nX-A: 1\r\nContent-Length: 2", "ok"), Head(LENGTH_2)),
    case("Connection cannot name the length away", ok!("Connection: content-length\r\nContent-Length: 2", "ok"), Head(LENGTH_2)),
    case("Keep-Alive and Proxy-Connection", ok!("Keep-Alive: timeout=5\r\nProxy-Connection: x\r\nContent-Length: 2", "ok"), Head(LENGTH_2)),
    case("an offer to upgrade", ok!("Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 2", "ok"), Head(LENGTH_2)),
    case("426 says to what", "HTTP/1.1 426 Upgrade\r\nUpgrade: x/1\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n", Head("HTTP/1.1 426 Upgrade\r\nUpgrade: x/1\r\nContent-Length: 0\r\nConnection: Upgrade\r\n\r\n")),
    // What clients take is put right.
    case("bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", Both(LENGTH_2, "ok")),
    case("a space before a colon", ok!("X : 1\r\nContent-Length: 2", "ok"), Head("HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 2\r\n\r\n")),
    case("a folded line", ok!("X: a\r\n b\r\nContent-Length: 2", "ok"), Head("HTTP/1.1 200 OK\r\nX: a   b\r\nContent-Length: 2\r\n\r\n")),
    case("a length twice", ok!("Content-Length: 2\r\nContent-Length: 2", "ok"), Head(LENGTH_2)),
    case("a list of equal lengths", ok!("Content-Length: 2, 2", "ok"), Head(LENGTH_2)),
    case("chunked beside a length: chunked counts", ok!("Content-Length: 9\r\nTransfer-Encoding: chunked", "2\r\nok\r\n0\r\n\r\n"), Both(CHUNKED, "ok")),
    case("more than its length", ok!("Content-Length: 2", "okHTTP/1.1 200 OK\r\n\r\n"), Both(LENGTH_2, "ok")),
    case("more than its chunks", chunked!("2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), Both(CHUNKED, "ok")),
    case("trailers that would reframe or reroute", chunked!("2\r\nok\r\n0\r\nContent-Length: 9\r\nHost: g\r\n\r\n"), Both(CHUNKED, "ok")),
    // Informational responses.
    case("100 before the answer", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Both(LENGTH_2, "ok")),
    case("103 before the answer", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Both(LENGTH_2, "ok")),
    case("an informational response has no body", "HTTP/1.1 102 Wait\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Both(LENGTH_2, "ok")),
    case("101 that nobody asked for", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw", BadGateway),
    case("100 and then nothing", "HTTP/1.1 100 Continue\r\n\r\n", BadGateway),
    case("100 and then garbage", "HTTP/1.1 100 Continue\r\n\r\ngarbage\r\n\r\n", BadGateway),
    // Two ends: the client's next answer would begin in the middle of this one.
    case("two different lengths", ok!("Content-Length: 2\r\nContent-Length: 3", "ok!"), BadGateway),
    case("a list of different lengths", ok!("Content-Length: 2, 3", "ok!"), BadGateway),
    case("a length with a sign", ok!("Content-Length: +2", "ok"), BadGateway),
    case("a length below zero", ok!("Content-Length: -2", "ok"), BadGateway),
    case("a hexadecimal length", ok!("Content-Length: 0x2", "ok"), BadGateway),
    case("an empty length", ok!("Content-Length:", "ok"), BadGateway),
    case("a length beyond 64 bits", ok!("Content-Length: 99999999999999999999", "ok"), BadGateway),
    case("another coding before chunked", ok!("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), BadGateway),
    case("chunked in two lines", ok!("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), BadGateway),
    case("identity", ok!("Transfer-Encoding: identity", "ok"), BadGateway),
    case("an empty coding", ok!("Transfer-Encoding:", "ok"), BadGateway),
    case("an empty coding beside a length", ok!("Transfer-Encoding:\r\nContent-Length: 2", "ok"), BadGateway),
    case("chunked in HTTP/1.0, which has none", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BadGateway),
    // No answer at all.
    case("nothing", "", BadGateway),
    case("garbage", "garbage\r\n\r\n", BadGateway),
    case("half a status line", "HTTP/1.1 20", BadGateway),
    case("half a head", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", BadGateway),
    case("a body without a head", "<html>no</html>", BadGateway),
    case("an empty line before the status line", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    case("another protocol", "ICY 200 OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    case("a version in lower case", "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    case("HTTP/2 in words", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    case("HTTP/1.2", "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    case("a status of letters", "HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    case("a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    case("a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    case("a status below 100", "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    case("two spaces before the status", "HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    case("NUL in the reason", "HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nok", BadGateway),
    // Lines that would say something else to another reader.
    case("NUL in a value", ok!("X: a\0b\r\nContent-Length: 2", "ok"), BadGateway),
    case("a bare carriage return in a value", ok!("X: a\rY: b\r\nContent-Length: 2", "ok"), BadGateway),
    case("a control character in a value", ok!("X: a\u{1}b\r\nContent-Length: 2", "ok"), BadGateway),
    case("a line without a colon", ok!("X\r\nContent-Length: 2", "ok"), BadGateway),
    case("an empty name", ok!(": a\r\nContent-Length: 2", "ok"), BadGateway),
    case("a name that is no token", ok!("X(y): a\r\nContent-Length: 2", "ok"), BadGateway),
    // Bodies that are not whole must not look so.
    case("less than its length", ok!("Content-Length: 9", "ok"), Broken),
    case("no byte of its length", ok!("Content-Length: 9", ""), Broken),
    case("no last chunk", chunked!("2\r\nok\r\n"), Broken),
    case("no end after the last chunk", chunked!("2\r\nok\r\n0\r\n"), Broken),
    case("half a chunk", chunked!("9\r\nok"), Broken),
    case("a size that is no number", chunked!("2\r\nok\r\nzz\r\n\r\n"), Broken),
    case("a size below zero", chunked!("-2\r\nok\r\n0\r\n\r\n"), Broken),
    case("a size with a prefix", chunked!("0x2\r\nok\r\n0\r\n\r\n"), Broken),
    case("a size beyond 64 bits", chunked!("10000000000000002\r\nok\r\n0\r\n\r\n"), Broken),
    case("no size", chunked!("\r\nok\r\n0\r\n\r\n"), Broken),
    case("a chunk longer than its size", chunked!("2\r\nokay\r\n0\r\n\r\n"), Broken),
    case("no line end after a chunk", chunked!("2\r\nok0\r\n\r\n"), Broken),
    case("a bare line feed after a size", chunked!("2\nok\r\n0\r\n\r\n"), Broken),
    case("NUL in an extension", chunked!("2;\0\r\nok\r\n0\r\n\r\n"), Broken),
    case("a trailer that is no line", chunked!("2\r\nok\r\n0\r\nno\r\n\r\n"), Broken),
    case("a folded trailer", chunked!("2\r\nok\r\n0\r\nX: 1\r\n 2\r\n\r\n"), Broken),
];
