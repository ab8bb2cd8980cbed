//! The operations of a GraphQL document, read token by token.

/// Definitions and root fields that are looked at.
const MOST_DEFINITIONS: usize = 64;
const MOST_FIELDS: usize = 16;

/// One operation of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) name: Option<String>,
    pub(super) fields: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    /// `...`
    Spread,
    Mark(u8),
}

/// The operations of a document in their order; fragments are none.
pub(super) fn definitions(text: &str) -> Vec<Definition> {
    let mut tokens = Tokens { rest: text };
    let mut found = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            Token::Mark(b'{') => {
                found.push(Definition { name: None, fields: tokens.fields() });
                continue;
            }
            Token::Name("query" | "mutation" | "subscription") => {}
            // A fragment, or what is no definition.
            _ => {
                if tokens.open_selection().is_some() {
                    tokens.fields();
                }
                continue;
            }
        }
        let Some(name) = tokens.open_selection() else { break };
        let fields = tokens.fields();
        found.push(Definition { name: name.map(str::to_owned), fields });
        if found.len() >= MOST_DEFINITIONS {
            break;
        }
    }
    found
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    /// Goes to the brace that opens what is selected, past variables and directives. Gives the
    /// name that stands first, if there is one.
    fn open_selection(&mut self) -> Option<Option<&'a str>> {
        let (mut name, mut first, mut within) = (None, true, 0_usize);
        loop {
            match self.next()? {
                Token::Name(own) if first => name = Some(own),
                Token::Mark(b'(') => within += 1,
                Token::Mark(b')') => within = within.saturating_sub(1),
                Token::Mark(b'{') if within == 0 => return Some(name),
                _ => {}
            }
            first = false;
        }
    }

    /// The names selected up to the brace that closes, aliases resolved.
    fn fields(&mut self) -> Vec<String> {
        let (mut fields, mut depth, mut arguments) = (Vec::new(), 1_usize, 0_usize);
        // After `...` and `@` a name is no field.
        let mut other = false;
        for token in self.by_ref() {
            match token {
                Token::Mark(b'(') => arguments += 1,
                Token::Mark(b')') => arguments = arguments.saturating_sub(1),
                _ if arguments > 0 => {}
                Token::Mark(b'{') => depth += 1,
                Token::Mark(b'}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                Token::Spread | Token::Mark(b'@') => {
                    other = true;
                    continue;
                }
                // The type of an inline fragment follows `on`.
                Token::Name("on") if other => continue,
                Token::Name(name) if depth == 1 && !other && fields.len() < MOST_FIELDS => {
                    fields.push(name.to_owned());
                }
                Token::Mark(b':') if depth == 1 => {
                    fields.pop();
                }
                _ => {}
            }
            other = false;
        }
        fields
    }

    fn skip_unread(&mut self) {
        loop {
            let bare = |c: char| c.is_whitespace() || c == ',' || c == '\u{feff}';
            self.rest = self.rest.trim_start_matches(bare);
            let Some(comment) = self.rest.strip_prefix('#') else { return };
            self.rest = comment.find(['\n', '\r']).and_then(|at| comment.get(at..)).unwrap_or("");
        }
    }

    /// Past a string whose opening quotes are gone.
    fn skip_string(&mut self, quotes: &str) {
        let mut escaped = false;
        for (at, c) in self.rest.char_indices() {
            let closes = !escaped && self.rest.get(at..).is_some_and(|r| r.starts_with(quotes));
            if closes {
                self.rest = self.rest.get(at + quotes.len()..).unwrap_or("");
                return;
            }
            escaped = c == '\\' && !escaped;
        }
        self.rest = "";
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.skip_unread();
            for quotes in ["\"\"\"", "\""] {
                if let Some(rest) = self.rest.strip_prefix(quotes) {
                    self.rest = rest;
                    self.skip_string(quotes);
                    break;
                }
            }
            if !self.rest.starts_with(['"', '#', ','])
                && !self.rest.starts_with(char::is_whitespace)
            {
                break;
            }
        }
        if let Some(rest) = self.rest.strip_prefix("...") {
            self.rest = rest;
            return Some(Token::Spread);
        }
        let first = self.rest.chars().next()?;
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = match part(first) {
            true => self.rest.find(|c| !part(c)).unwrap_or(self.rest.len()),
            false => first.len_utf8(),
        };
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(match part(first) {
            true => Token::Name(token),
            // Only ASCII marks mean anything.
            false => Token::Mark(token.bytes().next().filter(u8::is_ascii).unwrap_or(b'?')),
        })
    }
}
