//! The part of RFC 9535 JSONPath that an automaton can follow while a body is read.
//!
//! Names, positions, wildcards and descendants, alone or several in one bracket. What needs to
//! look at values or at the length of an array (filters, slices, positions from the end) is left
//! to `serde_json_path`.

/// One segment: `.name`, `[0, 'b']`, `..*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// `..`: matches at any depth below.
    pub(crate) descendant: bool,
    pub(crate) selectors: Vec<Selector>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selector {
    Name(String),
    Index(u32),
    Any,
}

/// The segments of `path`, or `None` where it has something else. `path` is a valid JSONPath.
pub(crate) fn segments(path: &str) -> Option<Vec<Segment>> {
    let mut reader = Reader { rest: path.strip_prefix('$')? };
    let mut segments = Vec::new();
    loop {
        reader.skip_blanks();
        if reader.rest.is_empty() {
            return Some(segments);
        }
        segments.push(reader.segment()?);
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn segment(&mut self) -> Option<Segment> {
        let descendant = self.take("..");
        if !descendant {
            self.take(".");
        }
        let selectors = if self.take("[") {
            self.bracket()?
        } else if self.take("*") {
            vec![Selector::Any]
        } else {
            vec![Selector::Name(self.shorthand()?)]
        };
        Some(Segment { descendant, selectors })
    }

    fn bracket(&mut self) -> Option<Vec<Selector>> {
        let mut selectors = Vec::new();
        loop {
            self.skip_blanks();
            selectors.push(self.selector()?);
            self.skip_blanks();
            if self.take("]") {
                return Some(selectors);
            }
            if !self.take(",") {
                return None;
            }
        }
    }

    fn selector(&mut self) -> Option<Selector> {
        match self.rest.chars().next()? {
            '*' => {
                self.take("*");
                Some(Selector::Any)
            }
            quote @ ('\'' | '"') => self.quoted(quote).map(Selector::Name),
            '0'..='9' => {
                let end = self.rest.find(|c: char| !c.is_ascii_digit())?;
                let (digits, rest) = self.rest.split_at(end);
                self.rest = rest;
                digits.parse().ok().map(Selector::Index)
            }
            _ => None,
        }
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut out = String::new();
        let mut chars = self.rest[1..].chars();
        loop {
            match chars.next()? {
                '\\' => out.push(escaped(&mut chars)?),
                end if end == quote => break,
                other => out.push(other),
            }
        }
        self.rest = chars.as_str();
        Some(out)
    }

    fn shorthand(&mut self) -> Option<String> {
        let end = self
            .rest
            .find(|c: char| !(c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii()))
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!name.is_empty()).then(|| name.to_owned())
    }

    fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }
}

fn escaped(chars: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let high = unit(chars)?;
            if (0xd800..0xdc00).contains(&high) {
                if chars.next()? != '\\' || chars.next()? != 'u' {
                    return None;
                }
                let low = unit(chars)?.checked_sub(0xdc00)?;
                char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low)?
            } else {
                char::from_u32(high)?
            }
        }
        other => other,
    })
}

fn unit(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |unit, _| Some(unit * 16 + chars.next()?.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_are_read() {
        let name = |name: &str| Selector::Name(name.to_owned());
        let read = segments(r#"$.a['b c', "d\u0065"] ..*[0]..[ 'x' ]"#).expect("plain");
        assert_eq!(read[0], Segment { descendant: false, selectors: vec![name("a")] });
        assert_eq!(read[1].selectors, [name("b c"), name("de")]);
        assert_eq!(read[2], Segment { descendant: true, selectors: vec![Selector::Any] });
        assert_eq!(read[3].selectors, [Selector::Index(0)]);
        assert_eq!(read[4], Segment { descendant: true, selectors: vec![name("x")] });
        assert_eq!(segments("$"), Some(Vec::new()));
    }

    #[test]
    fn what_looks_at_values_is_left() {
        for path in ["$[?@.a]", "$[-1]", "$[1:2]", "$.a[0, 1:]"] {
            assert_eq!(segments(path), None, "{path}");
        }
    }
}
