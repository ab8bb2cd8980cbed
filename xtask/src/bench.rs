//! `cargo xtask bench`: what comparing bodies costs, and how many pairs one core compares.

mod compare;
mod diff;

use anyhow::bail;

use crate::run;

/// `what` is a name of a measurement.
pub(crate) fn run(what: Option<&str>) -> anyhow::Result<()> {
    run::stop_in_order()?;
    match what {
        Some("diff") => diff::run(),
        Some("compare") => compare::run(),
        _ => bail!("bench what? diff or compare"),
    }
}
