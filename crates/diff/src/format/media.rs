//! What a content type declares.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    JsonSequence,
    Form,
    Xml,
    Text,
    /// None declared, or one that says nothing about the bytes.
    Unknown,
}

impl Media {
    pub(super) fn of(content_type: Option<&str>) -> Self {
        let Some(declared) = content_type else { return Self::Unknown };
        let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" | "text/json" | "application/x-json" => Self::Json,
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/json-lines"
            | "application/json-seq"
            | "application/stream+json" => Self::JsonSequence,
            "application/x-www-form-urlencoded" => Self::Form,
            "application/xml" | "text/xml" => Self::Xml,
            "application/javascript"
            | "application/yaml"
            | "application/graphql"
            | "application/sql" => Self::Text,
            json if json.ends_with("+json") => Self::Json,
            sequence if sequence.ends_with("+json-seq") => Self::JsonSequence,
            xml if xml.ends_with("+xml") => Self::Xml,
            text if text.starts_with("text/") => Self::Text,
            _ => Self::Unknown,
        }
    }

    /// Whether a body of this type may be JSON or XML all the same.
    pub(super) fn is_vague(self) -> bool {
        matches!(self, Self::Text | Self::Unknown)
    }
}

pub(super) fn looks_like_xml(text: &[u8]) -> bool {
    text.trim_ascii_start().starts_with(b"<?xml ")
}

pub(super) fn looks_like_json(text: &[u8]) -> bool {
    let first = text.iter().find(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
    matches!(first, Some(b'{' | b'['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_known_by_their_essence() {
        for (declared, media) in [
            ("application/json; charset=utf-8", Media::Json),
            ("Application/Problem+JSON", Media::Json),
            ("application/x-ndjson", Media::JsonSequence),
            ("application/geo+json-seq", Media::JsonSequence),
            ("text/html", Media::Text),
            ("image/svg+xml", Media::Xml),
            ("text/xml; charset=utf-8", Media::Xml),
            ("application/soap+xml", Media::Xml),
            ("image/png", Media::Unknown),
        ] {
            assert_eq!(Media::of(Some(declared)), media, "{declared}");
        }
    }
}
