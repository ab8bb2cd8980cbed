//! What tells requests to one path apart, where the path does not: `/graphql#GetLoan`,
//! `/loans/{id}#csv`.

use std::borrow::Cow;

use super::parameter_name;

/// Characters of a label.
const LONGEST: usize = 100;

/// A template without its label, and the label.
#[must_use]
pub fn split(template: &str) -> (&str, Option<&str>) {
    template.split_once('#').map_or((template, None), |(path, label)| (path, Some(label)))
}

/// A template with a label.
#[must_use]
pub fn join(template: &str, label: Option<&str>) -> String {
    match label {
        Some(label) => format!("{template}#{label}"),
        None => template.to_owned(),
    }
}

/// A stranger's text as a label: one that names a thing rather than an operation is `{id}`, so
/// that ever new ones are one endpoint.
#[must_use]
pub fn of(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if parameter_name(text).is_some() {
        return Cow::Borrowed("{id}");
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.:+=[]".contains(c);
    if text.len() <= LONGEST && text.chars().all(fits) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().take(LONGEST).map(|c| if fits(c) { c } else { '_' });
    Cow::Owned(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_off_as_they_were_put_on() {
        for (template, label) in [("/graphql", Some("GetLoan")), ("/loans/{id}", None)] {
            assert_eq!(split(&join(template, label)), (template, label));
        }
    }

    #[test]
    fn a_label_is_a_short_word() {
        let table = [
            ("GetLoan", "GetLoan"),
            (" loans.get ", "loans.get"),
            ("4711", "{id}"),
            ("2f1b6c1e-7f0e-4c55-9d0a-0f3b6c2d1e5a", "{id}"),
            ("a b/c#d{e}", "a_b_c_d_e_"),
            ("[GetLoan+GetQueue]", "[GetLoan+GetQueue]"),
        ];
        for (text, expected) in table {
            assert_eq!(of(text), expected);
        }
        assert_eq!(of(&"x ".repeat(500)).len(), LONGEST);
    }
}
