//! The operations that a GraphQL document defines, read over its tokens: what stands inside
//! braces, brackets, strings and comments is passed over.

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Query,
    Mutation,
    Subscription,
    /// Only its name or hash is in the request; the service knows the rest.
    Unsaid,
}

/// One operation of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub kind: Kind,
    pub name: Option<String>,
}

/// The operations that `text` defines; `None` where it is no executable document.
pub(super) fn operations(text: &str) -> Option<Vec<Operation>> {
    let mut found = Vec::new();
    let mut rest = Tokens(text);
    while let Some(token) = rest.next() {
        let kind = match token {
            // A short form: a query without a word before it.
            Token::Open('{') => {
                rest.close()?;
                found.push(Operation { kind: Kind::Query, name: None });
                continue;
            }
            Token::Name("query") => Some(Kind::Query),
            Token::Name("mutation") => Some(Kind::Mutation),
            Token::Name("subscription") => Some(Kind::Subscription),
            Token::Name("fragment") => None,
            _ => return None,
        };
        let name = rest.definition()?;
        if let Some(kind) = kind {
            found.push(Operation { kind, name: name.map(str::to_owned) });
        }
    }
    (!found.is_empty()).then_some(found)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    Name(&'t str),
    Open(char),
    Close(char),
    /// A value or a sign.
    Other,
}

struct Tokens<'t>(&'t str);

impl<'t> Tokens<'t> {
    /// What follows the word of a definition, through its last brace; the name in it.
    fn definition(&mut self) -> Option<Option<&'t str>> {
        let mut name = None;
        let mut token = self.next()?;
        if let Token::Name(said) = token {
            name = Some(said);
            token = self.next()?;
            // `fragment F on Type`
            while let Token::Name(_) = token {
                if name == Some("on") {
                    return None;
                }
                token = self.next()?;
            }
        }
        loop {
            match token {
                Token::Open('{') => {
                    self.close()?;
                    return Some(name);
                }
                Token::Open(_) => self.close()?,
                Token::Close(_) => return None,
                // Directives stand before the braces.
                Token::Name(_) | Token::Other => {}
            }
            token = self.next()?;
        }
    }

    /// Passes over what an opening sign began; `None` where it never ends.
    fn close(&mut self) -> Option<()> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next()? {
                Token::Open(_) => depth += 1,
                Token::Close(_) => depth -= 1,
                Token::Name(_) | Token::Other => {}
            }
        }
        Some(())
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        self.skip_ignored();
        let first = self.0.chars().next()?;
        let length = match first {
            '{' | '(' | '[' => {
                self.0 = self.0.get(1..)?;
                return Some(Token::Open(first));
            }
            '}' | ')' | ']' => {
                self.0 = self.0.get(1..)?;
                return Some(Token::Close(first));
            }
            '"' => string_length(self.0),
            _ if first == '_' || first.is_ascii_alphabetic() => {
                let end = |c: char| !(c == '_' || c.is_ascii_alphanumeric());
                let (name, rest) = self.0.split_at(self.0.find(end).unwrap_or(self.0.len()));
                self.0 = rest;
                return Some(Token::Name(name));
            }
            _ => first.len_utf8(),
        };
        self.0 = self.0.get(length..).unwrap_or_default();
        Some(Token::Other)
    }
}

impl Tokens<'_> {
    fn skip_ignored(&mut self) {
        loop {
            self.0 = self
                .0
                .trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '\u{feff}'));
            if !self.0.starts_with('#') {
                return;
            }
            let end = self.0.find(['\n', '\r']).unwrap_or(self.0.len());
            self.0 = self.0.get(end..).unwrap_or_default();
        }
    }
}

/// Bytes of the string that `text` begins with; all, where it never ends.
fn string_length(text: &str) -> usize {
    if let Some(block) = text.strip_prefix("\"\"\"") {
        let mut from = 0;
        while let Some(at) = block.get(from..).and_then(|rest| rest.find("\"\"\"")) {
            let end = from + at;
            if !block.get(..end).is_some_and(|before| before.ends_with('\\')) {
                return end + 6;
            }
            from = end + 3;
        }
        return text.len();
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            '\n' | '\r' => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_from_other_texts() {
        let names = |text: &str| {
            operations(text).map(|found| {
                let word =
                    |o: &Operation| format!("{:?}:{}", o.kind, o.name.as_deref().unwrap_or(""));
                found.iter().map(word).collect::<Vec<_>>().join(" ")
            })
        };
        let table = [
            ("{a}", Some("Query:")),
            (
                "query Q($a: [Int!] = [1, 2] @d(x: {y: 1})) @live { a(b: {c: \"}\"}) }",
                Some("Query:Q"),
            ),
            ("\u{feff}# c\n,mutation M{a}", Some("Mutation:M")),
            ("fragment F on mutation { a } mutation { ...F }", Some("Mutation:")),
            (
                "query { a(t: \"\"\" } \\\"\"\" { \"\"\") } mutation N { b }",
                Some("Query: Mutation:N"),
            ),
            ("query {", None),
            ("mutation of genes", None),
            ("mutation", None),
            ("type A { b: C }", None),
            ("fragment F on A { b }", None),
            ("blue shoes", None),
            ("\"{", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(names(text).as_deref(), expected, "{text}");
        }
    }
}
