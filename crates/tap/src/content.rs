//! Content types whose response bodies are kept whole.

use crate::config::Invalid;

/// `application/json`, `text/*`, `*/*`; none at all: every type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContentTypes(Vec<String>);

impl ContentTypes {
    pub(crate) fn new(texts: &[String]) -> Result<Self, Invalid> {
        let types = texts.iter().map(|text| {
            let lower = text.trim().to_ascii_lowercase();
            let part = |part: &str| {
                let token = |byte| u8::is_ascii_alphanumeric(&byte) || b"!#$&^_.+-".contains(&byte);
                part == "*" || (!part.is_empty() && part.bytes().all(token))
            };
            match lower.split_once('/') {
                Some(("*", kind)) if kind != "*" => Err(text),
                Some((group, kind)) if part(group) && part(kind) => Ok(lower),
                _ => Err(text),
            }
        });
        let types: Result<Vec<String>, &String> = types.collect();
        types.map(Self).map_err(|text| {
            let problem = format!("`{text}` is no type: write `application/json` or `text/*`");
            Invalid::new("tap.content_types", problem)
        })
    }

    /// Whether bodies of `stated`, the value of a Content-Type, are kept. A body without a type
    /// is of none.
    pub(crate) fn keep(&self, stated: Option<&[u8]>) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let stated = stated.unwrap_or_default();
        let name = stated.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        self.0.iter().any(|own| {
            if own == "*/*" {
                return true;
            }
            match own.strip_suffix('*') {
                Some(group) => name
                    .get(..group.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(group.as_bytes())),
                None => name.eq_ignore_ascii_case(own.as_bytes()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(texts: &[&str]) -> Result<ContentTypes, Invalid> {
        ContentTypes::new(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn types_are_kept_by_name_or_group() {
        let some = types(&["application/JSON", "text/*"]).unwrap();
        for kept in ["application/json", "Application/Json; charset=utf-8", "text/html", "TEXT/x"] {
            assert!(some.keep(Some(kept.as_bytes())), "{kept}");
        }
        for other in ["", "image/png", "application/jsonx", "application/problem+json", "text"] {
            assert!(!some.keep(Some(other.as_bytes())), "{other}");
        }
        assert!(!some.keep(None));
        assert!(types(&[]).unwrap().keep(None));
        assert!(types(&["*/*"]).unwrap().keep(None));
    }

    #[test]
    fn mistakes_are_named() {
        for bad in ["json", "*/json", "a/", "/b", "a b/c", "a/b;c", ""] {
            assert!(types(&[bad]).unwrap_err().problem.contains(bad), "{bad}");
        }
    }
}
