//! Bytes to UTF-8, without loss or not at all.
//!
//! A malformed body is not text: a replacement character would make different bytes equal.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use crate::Document;

pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, [u8]>,
    /// There was a byte order mark; it is not part of `text`.
    pub(super) marked: bool,
}

pub(super) fn decode(document: Document<'_>) -> Option<Decoded<'_>> {
    let (encoding, mark) = match Encoding::for_bom(document.bytes) {
        Some(found) => found,
        None => (document.content_type.and_then(declared).unwrap_or(UTF_8), 0),
    };
    let bytes = document.bytes.get(mark..)?;
    let text = if encoding == UTF_8 {
        std::str::from_utf8(bytes).ok().map(|text| Cow::Borrowed(text.as_bytes()))
    } else {
        encoding
            .decode_without_bom_handling_and_without_replacement(bytes)
            .map(|text| Cow::Owned(text.into_owned().into_bytes()))
    };
    Some(Decoded { text: text?, marked: mark > 0 })
}

fn declared(content_type: &str) -> Option<&'static Encoding> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let label = value.trim().trim_matches('"');
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| Encoding::for_label(label.as_bytes()))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(content_type: &str, bytes: &[u8]) -> Option<String> {
        let content_type = Some(content_type);
        let decoded = decode(Document { content_type, bytes })?;
        String::from_utf8(decoded.text.into_owned()).ok()
    }

    #[test]
    fn declared_charsets_and_marks_are_honoured() {
        assert_eq!(text("text/plain; charset=ISO-8859-1", b"caf\xe9").as_deref(), Some("café"));
        assert_eq!(text("text/plain; Charset=\"utf-8\"", "é".as_bytes()).as_deref(), Some("é"));
        assert_eq!(text("text/plain", b"\xff\xfeh\0i\0").as_deref(), Some("hi"));
        assert_eq!(text("text/plain", b"caf\xe9"), None);
    }
}
