//! Bytes to UTF-8, without loss or not at all.
//!
//! A malformed body is not text: a replacement character would make different bytes equal.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::Document;

pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, [u8]>,
    /// There was a byte order mark; it is not part of `text`.
    pub(super) marked: bool,
}

pub(super) fn decode(document: Document<'_>) -> Option<Decoded<'_>> {
    let (encoding, mark) = match Encoding::for_bom(document.bytes) {
        Some(found) => found,
        None => (
            document
                .content_type
                .and_then(declared)
                .or_else(|| detected(document.bytes))
                .unwrap_or(UTF_8),
            0,
        ),
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

/// UTF-16 by the zero beside the first character, as JSON and XML begin with an ASCII one; or
/// what an XML declaration names.
fn detected(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0, b'{' | b'[' | b'"' | b'<', 0, _, ..] => return Some(UTF_16BE),
        [b'{' | b'[' | b'"' | b'<', 0, _, 0, ..] => return Some(UTF_16LE),
        _ => {}
    }
    let head = bytes.strip_prefix(b"<?xml")?.get(..200).unwrap_or(bytes);
    let declaration = head.split(|byte| *byte == b'>').next()?;
    let declaration = std::str::from_utf8(declaration).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (label, _) = value.get(1..)?.split_once(quote)?;
    Encoding::for_label(label.as_bytes())
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
        assert_eq!(text("application/json", b"{\0}\0").as_deref(), Some("{}"));
        let xml = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>";
        assert!(text("application/xml", xml).is_some_and(|text| text.ends_with("<a>\u{e9}</a>")));
        assert_eq!(text("application/xml; charset=utf-8", xml), None);
    }
}
