//! Paths made of names and wildcards: what they cover of generalised paths.

/// One step of a path of names and wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// `None` is any step.
    name: Option<String>,
    /// At any depth below.
    deep: bool,
}

/// The steps of a JSONPath of names, wildcards and descendants; `None` for any other.
pub(super) fn parse_steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (deep, after) = match (rest.strip_prefix(".."), rest.strip_prefix('.')) {
            (Some(after), _) => (true, after),
            (None, Some(after)) => (false, after),
            (None, None) => (false, rest),
        };
        let (name, after) = if let Some(inner) = after.strip_prefix('[') {
            bracket(inner)?
        } else if after.len() == rest.len() {
            return None;
        } else {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            (if name == "*" { None } else { Some(name.to_owned()) }, after)
        };
        if name.as_deref() == Some("") {
            return None;
        }
        steps.push(Step { name, deep });
        rest = after;
    }
    Some(steps)
}

/// `*]` or `'name']`, and what follows.
fn bracket(inner: &str) -> Option<(Option<String>, &str)> {
    if let Some(after) = inner.strip_prefix("*]") {
        return Some((None, after));
    }
    let quote = inner.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let body = inner.get(1..)?;
    let end = body.find(quote)?;
    let (name, after) = body.split_at(end);
    let after = after.get(1..)?.strip_prefix(']')?;
    // Escapes are left to the comparison itself.
    (!name.contains('\\')).then(|| (Some(name.to_owned()), after))
}

/// Whether the steps lead to a generalised path or to something above it.
pub(super) fn covers(steps: &[Step], general: &str) -> bool {
    let mut states = vec![0_usize];
    if steps.is_empty() {
        return true;
    }
    for segment in general.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        let mut next = Vec::new();
        for state in states {
            let Some(step) = steps.get(state) else { continue };
            if step.name.as_ref().is_none_or(|name| *name == segment) {
                next.push(state + 1);
            }
            if step.deep {
                next.push(state);
            }
        }
        if next.contains(&steps.len()) {
            return true;
        }
        next.sort_unstable();
        next.dedup();
        states = next;
    }
    false
}

/// A generalised path as a JSONPath that names the same places.
#[must_use]
pub fn json_path(general: &str) -> String {
    let mut path = String::from("$");
    for segment in general.split('/').skip(1) {
        if segment == "*" {
            path.push_str("[*]");
            continue;
        }
        let name = segment.replace("~1", "/").replace("~0", "~");
        path.push_str("['");
        for c in name.chars() {
            match c {
                '\'' | '\\' => path.extend(['\\', c]),
                c if (c as u32) < 0x20 => path.push_str(&format!("\\u{:04x}", c as u32)),
                c => path.push(c),
            }
        }
        path.push_str("']");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_cover_generalised_paths() {
        let table = [
            ("$.a", "/a", true),
            ("$.a", "/a/b", true),
            ("$.a", "/b/a", false),
            ("$.a.b", "/a", false),
            ("$.items[*].price", "/items/*/price", true),
            ("$['items'].*['price']", "/items/*/price", true),
            ("$..price", "/items/*/price", true),
            ("$..price", "/price/currency", true),
            ("$..price", "/items/*/prices", false),
            ("$.items..id", "/items/*/owner/id", true),
            ("$['a/b']", "/a~1b", true),
            ("$", "", true),
            ("$", "/a", true),
        ];
        for (path, general, expected) in table {
            let steps = parse_steps(path).unwrap();
            assert_eq!(covers(&steps, general), expected, "{path} {general}");
        }
    }

    #[test]
    fn indexes_slices_and_filters_are_left_to_the_comparison() {
        for path in
            ["$.items[0]", "$.items[1:3]", "$.items[?@.a == 1].b", "$['a','b']", r"$['a\'b']"]
        {
            assert_eq!(parse_steps(path), None, "{path}");
        }
    }

    #[test]
    fn generalised_paths_become_json_paths() {
        assert_eq!(json_path(""), "$");
        assert_eq!(json_path("/items/*/a~1b"), "$['items'][*]['a/b']");
        assert_eq!(json_path("/it's"), r"$['it\'s']");
    }
}
