//! Answers of our own: the few requests that do not get the primary's.

/// Status and one line that says what is wrong and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: &'static str,
    text: &'static str,
}

impl Refusal {
    pub(crate) const TARGET_TOO_LONG: Self =
        Self { status: "414 URI Too Long", text: "the target is longer than this tap takes" };
    pub(crate) const HEAD_TOO_LARGE: Self = Self {
        status: "431 Request Header Fields Too Large",
        text: "the request's head is larger than this tap takes",
    };
    pub(crate) const VERSION: Self = Self {
        status: "505 HTTP Version Not Supported",
        text: "only HTTP/1.1 and HTTP/1.0 are spoken here",
    };
    pub(crate) const TIMEOUT: Self =
        Self { status: "408 Request Timeout", text: "the request did not arrive in time" };
    pub(crate) const SHADOW_WRITE: Self = Self {
        status: "403 Forbidden",
        text: "a replay must not write to the primary: the candidate's address is wrong",
    };
    pub(crate) const UNREACHABLE: Self =
        Self { status: "502 Bad Gateway", text: "the primary cannot be reached" };
    pub(crate) const BROKEN: Self =
        Self { status: "502 Bad Gateway", text: "the primary closed before its answer was whole" };
    pub(crate) const MALFORMED: Self =
        Self { status: "502 Bad Gateway", text: "the primary's answer is malformed" };
    pub(crate) const UNANSWERED: Self =
        Self { status: "504 Gateway Timeout", text: "the primary did not answer in time" };

    pub(crate) const fn bad(text: &'static str) -> Self {
        Self { status: "400 Bad Request", text }
    }

    /// For a head beyond the limit, or what there is of it.
    pub(crate) fn too_large(head: &[u8]) -> Self {
        if head.contains(&b'\n') { Self::HEAD_TOO_LARGE } else { Self::TARGET_TOO_LONG }
    }

    pub(crate) fn text(self) -> &'static str {
        self.text
    }

    /// The whole response; `head_only` answers HEAD. The connection closes after it.
    pub(crate) fn write(self, head_only: bool, out: &mut Vec<u8>) {
        let Self { status, text } = self;
        let length = text.len() + 1;
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        out.extend_from_slice(head.as_bytes());
        if !head_only {
            out.extend_from_slice(text.as_bytes());
            out.push(b'\n');
        }
    }
}
