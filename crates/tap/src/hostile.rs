//! What fuzzing holds the parsers of bytes from the network to. Each function takes any bytes and
//! panics where a promise is broken; the targets in `fuzz/` and a short corpus here call them.

use crate::proxy::{
    Decoder, Field, Framing, HeadLimits, RequestHead, ResponseHead, Step, ToClient, head_end,
    hopeless,
};

const LIMITS: HeadLimits = HeadLimits { head: 64 * 1024, target: 32 * 1024 };
/// Pieces and prefixes are tried up to here: they cost the square.
const SMALL: usize = 512;

/// A request, from its first byte to the end of its body.
///
/// - A head that is accepted when it is whole is not given up before it is.
/// - What goes to the primary would be accepted here again, with the same meaning, and would go
///   on unchanged: whoever reads it next cannot take it for something else.
/// - The body is the same however it is cut into pieces.
pub fn request(bytes: &[u8]) {
    let Some(end) = head_end(bytes, &mut 0) else {
        let _ = hopeless(bytes, LIMITS);
        return;
    };
    let (head, rest) = bytes.split_at(end);
    let mut fields = Vec::new();
    let Ok(read) = RequestHead::read(head, &mut fields, LIMITS) else { return };
    for at in 0..end.min(SMALL) {
        let begun = head.get(..at).unwrap_or_default();
        assert!(head_end(begun, &mut 0).is_none(), "a head ends once");
        assert!(hopeless(begun, LIMITS).is_none(), "given up too early");
    }
    let sent = written(&read, head, &fields);
    let (again, sent_again) = reread(&sent);
    assert_eq!(again, (read.framing, read.method(head).to_vec()), "taken for something else");
    assert_eq!(sent, sent_again, "not settled after one hop");
    body(rest, read.framing, Decoder::of_client);
}

fn written(read: &RequestHead, head: &[u8], fields: &[Field]) -> Vec<u8> {
    let mut out = Vec::new();
    read.write(head, fields, "primary:80", &mut out);
    out
}

type Meaning = (Framing, Vec<u8>);

fn reread(sent: &[u8]) -> (Meaning, Vec<u8>) {
    assert_eq!(head_end(sent, &mut 0), Some(sent.len()), "one head goes on");
    let mut fields = Vec::new();
    let limits = HeadLimits { head: usize::MAX, target: usize::MAX };
    let read = RequestHead::read(sent, &mut fields, limits).expect("what goes on is acceptable");
    let meaning = (read.framing, read.method(sent).to_vec());
    (meaning, written(&read, sent, &fields))
}

/// A response of the primary to a GET: what goes to the client has one meaning, and its body is
/// the same however it is cut into pieces.
pub fn response(bytes: &[u8]) {
    let Some(end) = head_end(bytes, &mut 0) else { return };
    let (head, rest) = bytes.split_at(end);
    let mut fields = Vec::new();
    let Ok(read) = ResponseHead::read(head, &mut fields, false) else { return };
    let mut out = Vec::new();
    if read.status < 200 {
        read.write_informational(head, &fields, false, &mut out);
        assert_eq!(head_end(&out, &mut 0), Some(out.len()), "one head goes on");
        return;
    }
    read.write(head, &fields, ToClient { old: false, keep_alive: true }, &mut out);
    assert_eq!(head_end(&out, &mut 0), Some(out.len()), "one head goes on");
    let mut again = Vec::new();
    let reread = ResponseHead::read(&out, &mut again, false).expect("what goes on is acceptable");
    assert_eq!((reread.status, reread.framing), (read.status, read.framing_for(false)));
    body(rest, read.framing, Decoder::of_primary);
}

fn body(input: &[u8], framing: Framing, decoder: fn(Framing) -> Decoder) {
    let whole = decoded(input, decoder(framing), input.len().max(1));
    if input.len() <= SMALL {
        assert_eq!(decoded(input, decoder(framing), 1), whole, "pieces change the body");
        assert_eq!(decoded(input, decoder(framing), 7), whole, "pieces change the body");
    }
}

/// The body, its trailers and how much it took; `None` where it is malformed or not whole.
fn decoded(input: &[u8], mut decoder: Decoder, piece: usize) -> Option<(Vec<u8>, Vec<u8>, usize)> {
    let mut body = Vec::new();
    let (mut used, mut seen) = (0, 0);
    loop {
        let (taken, step) = decoder.step(input.get(used..seen)?).ok()?;
        assert!(taken <= seen - used, "more was taken than there is");
        used += taken;
        match step {
            Step::Data(data) => body.extend_from_slice(data),
            Step::End(trailers) => return Some((body, trailers.to_vec(), used)),
            Step::More if seen == input.len() => return None,
            Step::More => seen = (seen + piece).min(input.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the search begins: a request or response of every kind, good and bad.
    const CORPUS: &[&str] = &[
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://h/a?b#c HTTP/1.1\r\nHost: h\r\nConnection: close, x\r\nX: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /c HTTP/1.1\r\nHost: h:80\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nTE: gzip, trailers\r\n\r\n",
        "OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "PUT //a/../%41 HTTP/1.1\r\nhost: [::1]:8\r\nExpect: 100-continue\r\ncontent-length: 007\r\n\r\n1234567",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n5 ;x\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.0 200\nX-A : 1\nX-B: a\n  b\nContent-Length: 2, 2\n\nok",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 426 No\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nclose",
    ];
    /// What changes are made of: bytes and words that mean something.
    const WORDS: &[&[u8]] = &[
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b",",
        b";",
        b"\0",
        b"\x7f",
        b"\xff",
        b"0",
        b"5",
        b"f",
        b"chunked",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Host: h\r\n",
        b"Connection: host\r\n",
        b"HTTP/1.1",
        b"\r\n\r\n",
        b"http://h",
        b"/",
        b"-",
        b"Upgrade: x\r\n",
    ];

    #[test]
    fn a_short_search_from_the_corpus_breaks_no_promise() {
        // xorshift (Marsaglia 2003), so that every run is the same.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut chance = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as usize % below
        };
        for seed in CORPUS {
            request(seed.as_bytes());
            response(seed.as_bytes());
        }
        for _ in 0..6_000 {
            let mut bytes = CORPUS[chance(CORPUS.len())].as_bytes().to_vec();
            for _ in 0..=chance(3) {
                let from = chance(bytes.len() + 1);
                let to = (from + chance(4)).min(bytes.len());
                bytes.splice(from..to, WORDS[chance(WORDS.len())].iter().copied());
            }
            request(&bytes);
            response(&bytes);
        }
    }
}
