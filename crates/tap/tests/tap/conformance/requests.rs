//! Heads of requests: lines, framing, hosts, targets, what ends at this hop.

use super::{Forwarded, Forwarded::*, Request};

const fn case(why: &'static str, sent: &'static str, becomes: Forwarded) -> Request {
    Request { why, sent, becomes }
}

/// A head in two halves between which the line of a case stands.
macro_rules! get {
    ($lines:literal) => {
        concat!("GET /a HTTP/1.1\r\nHost: h\r\n", $lines, "\r\n\r\n")
    };
}
macro_rules! post {
    ($lines:literal, $body:literal) => {
        concat!("POST /a HTTP/1.1\r\nHost: h\r\n", $lines, "\r\n\r\n", $body)
    };
}

const BARE: &str = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

#[rustfmt::skip]
pub(crate) const CASES: &[Request] = &[
    // Two lengths: who takes the other one finds another request (RFC 9112, 6.3).
    case("length, then chunked", post!("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), Refused(400)),
    case("chunked, then length", post!("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"), Refused(400)),
    case("chunked beside a length of zero", post!("Content-Length: 0\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), Refused(400)),
    case("two different lengths", post!("Content-Length: 5\r\nContent-Length: 6", "hello"), Refused(400)),
    case("a length twice", post!("Content-Length: 5\r\nContent-Length: 5", "hello"), Refused(400)),
    case("a list of equal lengths", post!("Content-Length: 5, 5", "hello"), Refused(400)),
    case("a list of different lengths", post!("Content-Length: 5, 6", "hello"), Refused(400)),
    case("a length with a sign", post!("Content-Length: +5", "hello"), Refused(400)),
    case("a length below zero", post!("Content-Length: -5", "hello"), Refused(400)),
    case("a hexadecimal length", post!("Content-Length: 0x5", "hello"), Refused(400)),
    case("a length with a fraction", post!("Content-Length: 5.0", "hello"), Refused(400)),
    case("a length with an exponent", post!("Content-Length: 1e1", "hello"), Refused(400)),
    case("a length with a space in it", post!("Content-Length: 1 0", "hello"), Refused(400)),
    case("an empty length", post!("Content-Length:", ""), Refused(400)),
    case("a length in quotes", post!("Content-Length: \"5\"", "hello"), Refused(400)),
    case("a length beyond 64 bits", post!("Content-Length: 99999999999999999999", ""), Refused(400)),
    case("a length that wraps to 5", post!("Content-Length: 18446744073709551621", "hello"), Refused(400)),
    case("a length with leading zeros is that number", post!("Content-Length: 005", "hello"), Head("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")),
    case("a length on a GET is one", get!("Content-Length: 0"), Same),
    case("a body on a GET", "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", Same),
    case("a body on a DELETE", "DELETE /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", Same),
    // Codings: only `chunked`, once, alone.
    case("another coding before chunked", post!("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), Refused(400)),
    case("another coding after chunked", post!("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"), Refused(400)),
    case("chunked twice in a line", post!("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"), Refused(400)),
    case("chunked in two lines", post!("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), Refused(400)),
    case("identity before chunked", post!("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), Refused(400)),
    case("identity", post!("Transfer-Encoding: identity", ""), Refused(400)),
    case("an empty coding", post!("Transfer-Encoding:", "0\r\n\r\n"), Refused(400)),
    case("an empty coding beside a length", post!("Transfer-Encoding:\r\nContent-Length: 5", "hello"), Refused(400)),
    case("a coding that begins like chunked", post!("Transfer-Encoding: chunkedx", "0\r\n\r\n"), Refused(400)),
    case("a coding that ends like chunked", post!("Transfer-Encoding: xchunked", "0\r\n\r\n"), Refused(400)),
    case("chunked in quotes", post!("Transfer-Encoding: \"chunked\"", "0\r\n\r\n"), Refused(400)),
    case("chunked with a parameter", post!("Transfer-Encoding: chunked;q=1", "0\r\n\r\n"), Refused(400)),
    case("chunked with a comma", post!("Transfer-Encoding: chunked,", "0\r\n\r\n"), Refused(400)),
    case("chunked behind a comma", post!("Transfer-Encoding: ,chunked", "0\r\n\r\n"), Refused(400)),
    case("chunked behind a vertical tab", post!("Transfer-Encoding: \u{b}chunked", "0\r\n\r\n"), Refused(400)),
    case("chunked on a folded line", post!("Transfer-Encoding:\r\n chunked", "0\r\n\r\n"), Refused(400)),
    case("chunked in HTTP/1.0, which has none", "POST /a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Refused(400)),
    case("a name that only looks like it goes on as any", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello", Same),
    // White space and line ends.
    case("a space before the colon of the coding", post!("Transfer-Encoding : chunked", "0\r\n\r\n"), Refused(400)),
    case("a tab before the colon of the coding", post!("Transfer-Encoding\t: chunked", "0\r\n\r\n"), Refused(400)),
    case("a space before the colon of the length", post!("Content-Length : 5", "hello"), Refused(400)),
    case("a space before any colon", get!("X : 1"), Refused(400)),
    case("a space within a name", get!("X Y: 1"), Refused(400)),
    case("a folded line", get!("X: a\r\n b"), Refused(400)),
    case("a line folded with a tab", get!("X: a\r\n\tb"), Refused(400)),
    case("a space before the first line", "GET /a HTTP/1.1\r\n Host: h\r\n\r\n", Refused(400)),
    case("bare line feeds", "GET /a HTTP/1.1\nHost: h\n\n", Refused(400)),
    case("one bare line feed between lines", get!("X: a\nY: b"), Refused(400)),
    case("a bare line feed at the end of the head", "GET /a HTTP/1.1\r\nHost: h\r\n\n", Refused(400)),
    case("a bare line feed after the request line", "GET /a HTTP/1.1\nHost: h\r\n\r\n", Refused(400)),
    case("a bare carriage return in a value", get!("X: a\rY: b"), Refused(400)),
    case("a carriage return too many", get!("X: a\r\r\nY: b"), Refused(400)),
    case("bare carriage returns for line ends", "GET /a HTTP/1.1\rHost: h\r\r\n\r\n", Refused(400)),
    // Bytes that have no place in names or values.
    case("NUL in a value", get!("X: a\0b"), Refused(400)),
    case("NUL in a name", get!("X\0Y: b"), Refused(400)),
    case("a control character in a value", get!("X: a\u{1}b"), Refused(400)),
    case("DEL in a value", get!("X: a\u{7f}b"), Refused(400)),
    case("an empty name", get!(": a"), Refused(400)),
    case("a line without a colon", get!("X"), Refused(400)),
    case("brackets in a name", get!("X[0]: a"), Refused(400)),
    case("a byte over 0x7f in a name", get!("X\u{e4}: a"), Refused(400)),
    case("a quoted name", get!("\"X\": a"), Refused(400)),
    // Hosts: the one thing every reader routes by.
    case("no Host", "GET /a HTTP/1.1\r\nX: 1\r\n\r\n", Refused(400)),
    case("two Hosts", get!("Host: g"), Refused(400)),
    case("the same Host twice", get!("Host: h"), Refused(400)),
    case("a list of Hosts", "GET /a HTTP/1.1\r\nHost: a, b\r\n\r\n", Refused(400)),
    case("a Host with a space", "GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", Refused(400)),
    case("a Host with a path", "GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n", Refused(400)),
    case("a Host with a user", "GET /a HTTP/1.1\r\nHost: u@a\r\n\r\n", Refused(400)),
    case("a Host with a query", "GET /a HTTP/1.1\r\nHost: a?b\r\n\r\n", Refused(400)),
    case("a Host with a fragment", "GET /a HTTP/1.1\r\nHost: a#b\r\n\r\n", Refused(400)),
    case("a Host with a backslash", "GET /a HTTP/1.1\r\nHost: a\\b\r\n\r\n", Refused(400)),
    case("a port of letters", "GET /a HTTP/1.1\r\nHost: a:b\r\n\r\n", Refused(400)),
    case("two ports", "GET /a HTTP/1.1\r\nHost: a:1:2\r\n\r\n", Refused(400)),
    case("a port alone", "GET /a HTTP/1.1\r\nHost: :80\r\n\r\n", Refused(400)),
    case("an address that is not closed", "GET /a HTTP/1.1\r\nHost: [::1\r\n\r\n", Refused(400)),
    case("an IPv6 address", "GET /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", Same),
    case("an empty Host says that there is none", "GET /a HTTP/1.1\r\nHost: \r\n\r\n", Same),
    case("a Host in another case, later", "GET /a HTTP/1.1\r\nX: 1\r\nhOST: H.example:8080\r\n\r\n", Same),
    // Targets.
    case("another host's address", "GET http://g/ HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("another port's address", "GET http://h:81/ HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("an address with a user", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("an address without a host", "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("an address of another scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("a relative target", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("a target that begins with a query", "GET ?a HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("an asterisk for anything but OPTIONS", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("CONNECT is for proxies", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", Refused(400)),
    case("CONNECT with a path", "CONNECT /a HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("a tab in the target", "GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("NUL in the target", "GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("DEL in the target", "GET /a\u{7f} HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("this host's address", "GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n", Same),
    case("the asterisk of OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", Same),
    case("dots, doubled slashes and escapes stay", "GET //a/./../%2e%2E/%41%zz?%41=//&&?# HTTP/1.1\r\nHost: h\r\n\r\n", Same),
    case("an empty query stays", "GET /a? HTTP/1.1\r\nHost: h\r\n\r\n", Same),
    case("backslashes and brackets stay", "GET /a\\b[]{}|^`<>\" HTTP/1.1\r\nHost: h\r\n\r\n", Same),
    // Request lines.
    case("two spaces", "GET  /a HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("a tab for a space", "GET\t/a HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("a space at the end", "GET /a HTTP/1.1 \r\nHost: h\r\n\r\n", Refused(400)),
    case("a space at the beginning", " GET /a HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("no version", "GET /a\r\nHost: h\r\n\r\n", Refused(400)),
    case("a version in lower case", "GET /a http/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("another protocol", "GET /a ICY/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("HTTP/1.2", "GET /a HTTP/1.2\r\nHost: h\r\n\r\n", Refused(505)),
    case("HTTP/0.9", "GET /a HTTP/0.9\r\nHost: h\r\n\r\n", Refused(505)),
    case("HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refused(505)),
    case("a version with too many digits", "GET /a HTTP/1.10\r\nHost: h\r\n\r\n", Refused(400)),
    case("a method that is no token", "G(T /a HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("a method with NUL", "G\0T /a HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("a TLS hello", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}", Refused(400)),
    case("a line before the request", "\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", Head(BARE)),
    case("too many lines before the request", "\r\n\r\n\r\n\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", Refused(400)),
    case("an unknown method", "BREW /a HTTP/1.1\r\nHost: h\r\n\r\n", Same),
    case("a method in lower case is another one", "get /a HTTP/1.1\r\nHost: h\r\n\r\n", Same),
    case("TRACE is the primary's to refuse", "TRACE /a HTTP/1.1\r\nHost: h\r\n\r\n", Same),
    case("HTTP/1.0 without a Host", "GET /a HTTP/1.0\r\nX: 1\r\n\r\n", Head("GET /a HTTP/1.1\r\nHost: PRIMARY\r\nX: 1\r\n\r\n")),
    case("HTTP/1.0 with a Host", "GET /a HTTP/1.0\r\nHost: h\r\n\r\n", Head(BARE)),
    case("HTTP/1.0 with a body", "POST /a HTTP/1.0\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", Head("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n")),
    // What ends at this hop, and what must not (RFC 9110, 7.6.1).
    case("Connection itself", get!("Connection: keep-alive"), Head(BARE)),
    case("what Connection names", get!("Connection: X-A, x-b\r\nX-A: 1\r\nx-B: 2"), Head(BARE)),
    case("what a later Connection names", get!("X-A: 1\r\nConnection: close\r\nConnection: x-a"), Head(BARE)),
    case("Connection cannot name Host away", get!("Connection: Host"), Head(BARE)),
    case("Connection cannot name the length away", "POST /a HTTP/1.1\r\nConnection: content-length\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", Head("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")),
    case("Keep-Alive and Proxy-Connection", get!("Keep-Alive: 5\r\nProxy-Connection: close"), Head(BARE)),
    case("TE but for trailers", get!("TE: gzip"), Head(BARE)),
    case("TE: trailers", get!("Connection: TE\r\nTE: trailers, gzip;q=0.5"), Head("GET /a HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n")),
    case("Proxy-Authorization is not for this hop", get!("Proxy-Authorization: Basic x"), Same),
    case("h2c must not be spoken past this hop", get!("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x"), Head(BARE)),
    case("an upgrade with a body poisons what follows", "POST /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello", Head("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")),
    case("an upgrade that Connection does not name", get!("Upgrade: websocket"), Head(BARE)),
    case("two upgrades", get!("Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: x"), Head(BARE)),
    case("an asked upgrade that is not granted", get!("Connection: keep-alive, Upgrade\r\nUpgrade: websocket"), Head("GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")),
    // What goes on as it is.
    case("order, case, spacing and repetition", get!("x-B:2\r\nX-A:   1\r\nCookie: a\r\nCOOKIE: b\r\nX-B: 3\r\nX-Empty:"), Same),
    case("nothing about this hop is added", get!("Via: 1.0 a\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=b"), Same),
    case("an encoding that only the client knows", get!("Accept-Encoding: zstd;q=0.1, *;q=0"), Same),
    case("ranges and conditions are the primary's", get!("Range: bytes=1-2, 5-\r\nIf-None-Match: \"a\", W/\"b\""), Same),
];
