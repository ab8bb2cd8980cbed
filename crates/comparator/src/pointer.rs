//! JSON Pointers that are built while walking, in one buffer.

use std::borrow::Cow;

use cluster::endpoint::generalise_members;

/// Appends the step to a member (RFC 6901: `~` is `~0`, `/` is `~1`).
pub(crate) fn push(path: &mut String, name: &str) {
    path.push('/');
    let mut rest = name;
    while let Some(at) = rest.find(['~', '/']) {
        let (plain, special) = rest.split_at(at);
        path.push_str(plain);
        path.push_str(if special.starts_with('~') { "~0" } else { "~1" });
        rest = &special[1..];
    }
    path.push_str(rest);
}

/// As [`push`]; a name that is data (a number, an id, a date) is `*`.
pub(crate) fn push_general(path: &mut String, name: &str) {
    let length = path.len();
    push(path, name);
    let general = match generalise_members(path.get(length..).unwrap_or_default()) {
        Cow::Owned(general) => general,
        Cow::Borrowed(_) => return,
    };
    path.truncate(length);
    path.push_str(&general);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_escaped() {
        let mut path = "/a".to_owned();
        push(&mut path, "b/c~d");
        push(&mut path, "");
        push(&mut path, "é~");
        assert_eq!(path, "/a/b~1c~0d//é~0");
    }

    #[test]
    fn names_that_are_data_are_any() {
        let mut path = "/rates".to_owned();
        for name in ["2026-11-30", "EUR", "12"] {
            push_general(&mut path, name);
        }
        assert_eq!(path, "/rates/*/EUR/*");
    }
}
