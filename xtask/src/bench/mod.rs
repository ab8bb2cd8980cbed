//! `cargo xtask bench`: what copying, comparing, storing and showing cost.

mod compare;
pub(crate) mod diff;
mod pages;
mod rules;
mod tap;

use anyhow::bail;

use crate::run;

/// `words` are what follows `bench`: the name of a measurement, and its options.
pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    run::stop_in_order()?;
    match words.split_first().map(|(what, options)| (what.as_str(), options)) {
        Some(("diff", [])) => diff::run(),
        Some(("compare", [])) => compare::run(),
        Some(("pages", [])) => pages::run(),
        Some(("rules", options)) => rules::run(options),
        Some(("tap" | "pace", _)) => tap::run(words),
        _ => bail!("bench what? diff, compare, pages, rules or tap"),
    }
}
