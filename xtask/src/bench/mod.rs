//! `cargo xtask bench`: what copying, comparing and storing cost.

mod compare;
mod diff;
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
        Some(("rules", options)) => rules::run(options),
        Some(("tap" | "pace", _)) => tap::run(words),
        _ => bail!("bench what? diff, compare, rules or tap"),
    }
}
