//! What a content type declares.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    JsonSequence,
    Form,
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
            "application/xml"
            | "application/javascript"
            | "application/yaml"
            | "application/graphql"
            | "application/sql" => Self::Text,
            json if json.ends_with("+json") => Self::Json,
            sequence if sequence.ends_with("+json-seq") => Self::JsonSequence,
            text if text.starts_with("text/") || text.ends_with("+xml") => Self::Text,
            _ => Self::Unknown,
        }
    }

    /// Whether a body of this type may be JSON all the same.
    pub(super) fn may_be_json(self) -> bool {
        matches!(self, Self::Text | Self::Unknown)
    }
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
            ("image/svg+xml", Media::Text),
            ("image/png", Media::Unknown),
        ] {
            assert_eq!(Media::of(Some(declared)), media, "{declared}");
        }
    }
}
