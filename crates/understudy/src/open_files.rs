//! The limit on open files: one for each connection.

use rustix::process::{Resource, getrlimit, setrlimit};

/// As many open files as this process may have: the usual limit of 1024 is made for programs that
/// `select`, and a tap in front of idle clients needs more. Failing that, the limit stays.
pub(crate) fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(problem) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%problem, "The limit on open files stays as it is");
        }
    }
}
