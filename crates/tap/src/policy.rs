//! What is copied: a pure decision over one request's head.

use exchange::{NotCopiedReason, SessionKey};

use crate::{
    config::{Invalid, SliceConfig, TapConfig},
    routes::{Route, RouteError, understood},
};

/// What the decision looks at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a [u8],
    /// Without the query.
    pub(crate) path: &'a [u8],
    pub(crate) query: &'a [u8],
    /// It carries the shadow mark.
    pub(crate) shadow: bool,
    /// `Origin` and `Access-Control-Request-Method` are there.
    pub(crate) cors: bool,
    /// The value of a method override header.
    pub(crate) overridden: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Copy(Admission),
    /// Forward, do not copy.
    Pass(NotCopiedReason),
    /// Do not even forward: a replay that would write to the primary.
    Refuse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    pub(crate) write: bool,
    /// Place of the slice in the configuration.
    pub(crate) slice: Option<usize>,
    pub(crate) share: Share,
    pub(crate) content: Content,
}

/// What the body has to say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing: the head has said all.
    Any,
    /// Its route is declared to read; a body that changes something all the same makes it a
    /// write, which is copied where `writes` says so.
    Checked { writes: bool },
}

/// The share of sessions that is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share(u64);

impl Share {
    pub(crate) const ALL: Self = Self(u64::MAX);

    pub(crate) fn new(share: f64) -> Self {
        if share >= 1.0 { Self::ALL } else { Self((share.max(0.0) * u64::MAX as f64) as u64) }
    }

    pub(crate) fn is_all(self) -> bool {
        self == Self::ALL
    }

    /// Whole sessions are in or out, the same ones at every tap with the same key. The bytes
    /// looked at are not those that choose the partition.
    pub(crate) fn admits(self, session: SessionKey) -> bool {
        let [.., a, b, c, d, e, f, g, h] = session.0;
        self.is_all() || u64::from_be_bytes([a, b, c, d, e, f, g, h]) < self.0
    }
}

#[derive(Debug)]
pub(crate) struct Policy {
    writes: bool,
    share: Share,
    reads: Vec<Route>,
    claims: Vec<Route>,
    exclude: Vec<Route>,
    slices: Vec<Slice>,
}

#[derive(Debug)]
struct Slice {
    name: String,
    /// Place of its first route among those of all slices.
    first: usize,
    /// As in the configuration.
    texts: Vec<String>,
    routes: Vec<Route>,
    writes: bool,
    share: Option<Share>,
}

impl Policy {
    pub(crate) fn new(config: &TapConfig) -> Result<Self, Invalid> {
        let routes = |field: String, texts: &[String]| {
            let parsed: Result<Vec<Route>, RouteError> =
                texts.iter().map(|text| text.parse()).collect();
            parsed.map_err(|error| Invalid::new(field, error.to_string()))
        };
        let mut first = 0;
        let slice = |slice: &SliceConfig| {
            let before = first;
            first += slice.routes.len();
            Ok(Slice {
                name: slice.name.clone(),
                first: before,
                texts: slice.routes.clone(),
                routes: routes(format!("slice `{}`: routes", slice.name), &slice.routes)?,
                writes: slice.writes,
                share: slice.sample.map(Share::new),
            })
        };
        Ok(Self {
            writes: config.writes,
            share: Share::new(config.sample),
            reads: routes("tap.treat_as_reads".into(), &config.treat_as_reads)?,
            claims: routes("tap.treat_as_writes".into(), &config.treat_as_writes)?,
            exclude: routes("tap.exclude".into(), &config.exclude)?,
            slices: config.slices.iter().map(slice).collect::<Result<_, Invalid>>()?,
        })
    }

    /// The routes of all slices by their places, each with its slice's name.
    pub(crate) fn routes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.slices
            .iter()
            .flat_map(|slice| slice.texts.iter().map(|route| (slice.name.as_str(), route.as_str())))
    }

    /// What becomes of a request, and the place of the slice route it met.
    pub(crate) fn decide(&self, asked: &Asked<'_>, paused: bool) -> (Decision, Option<usize>) {
        let met = self.slices.iter().enumerate().find_map(|(at, slice)| {
            let matches = |route: &Route| route.matches(asked.method, asked.path);
            slice.routes.iter().position(matches).map(|route| (at, slice, slice.first + route))
        });
        let slice = met.map(|(at, slice, _)| (at, slice));
        (self.decision(asked, paused, slice), met.map(|(.., route)| route))
    }

    fn decision(
        &self,
        asked: &Asked<'_>,
        paused: bool,
        slice: Option<(usize, &Slice)>,
    ) -> Decision {
        let understood = understood(asked.path);
        // A pattern that forbids counts for every reading of the path, one that allows only for
        // the path as it stands.
        let forbidden = |routes: &[Route]| {
            routes.iter().any(|route| {
                route.matches(asked.method, asked.path) || route.matches(asked.method, &understood)
            })
        };
        let allowed =
            |routes: &[Route]| routes.iter().any(|route| route.matches(asked.method, asked.path));
        let of_slice = slice.map(|(_, slice)| slice);
        let writes = self.writes || of_slice.is_some_and(|slice| slice.writes);
        let safe = is_safe(asked);
        let write = forbidden(&self.claims) || !(safe || allowed(&self.reads));
        if asked.shadow {
            // Nobody waits for the body of a declared read to see whether it is one.
            let may_write = write || (!safe && writes);
            return if may_write {
                Decision::Refuse
            } else {
                Decision::Pass(NotCopiedReason::Shadow)
            };
        }
        if forbidden(&self.exclude) {
            return Decision::Pass(NotCopiedReason::Excluded);
        }
        if asked.cors && asked.method == b"OPTIONS" {
            return Decision::Pass(NotCopiedReason::Preflight);
        }
        if write && !writes {
            return Decision::Pass(NotCopiedReason::Write);
        }
        if paused {
            return Decision::Pass(NotCopiedReason::Paused);
        }
        let share = of_slice.and_then(|slice| slice.share).unwrap_or(self.share);
        let content = if write || safe { Content::Any } else { Content::Checked { writes } };
        Decision::Copy(Admission { write, slice: slice.map(|(at, _)| at), share, content })
    }
}

/// Safe by its method, and no framework is told to take it for another one.
fn is_safe(asked: &Asked<'_>) -> bool {
    let named = |method: &[u8]| {
        [&b"GET"[..], b"HEAD", b"OPTIONS"].iter().any(|safe| method.eq_ignore_ascii_case(safe))
    };
    let in_query = asked.query.split(|byte| *byte == b'&').find_map(|pair| {
        pair.strip_prefix(b"_method=").or_else(|| pair.strip_prefix(b"X-HTTP-Method-Override="))
    });
    let method_safe = [&b"GET"[..], b"HEAD", b"OPTIONS"].contains(&asked.method);
    method_safe
        && asked.overridden.is_none_or(named)
        && in_query.is_none_or(named)
        && !exchange::graphql::query_mutates(asked.query)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let slice = |name: &str, routes: &[&str], writes| SliceConfig {
            name: name.to_owned(),
            routes: texts(routes),
            writes,
            ..SliceConfig::default()
        };
        Policy::new(&TapConfig {
            primary: "http://127.0.0.1:1".into(),
            treat_as_reads: texts(&["POST /search"]),
            treat_as_writes: texts(&["GET /q/{queue}/next"]),
            exclude: texts(&["/health", "/assets/*"]),
            slices: vec![
                slice("offers", &["/offers/*"], true),
                slice("loans", &["/loans/*"], false),
            ],
            ..TapConfig::default()
        })
        .unwrap()
    }

    fn decide(method: &str, path: &str) -> Decision {
        let asked = Asked { method: method.as_bytes(), path: path.as_bytes(), ..Asked::default() };
        policy().decide(&asked, false).0
    }

    fn copied(write: bool, slice: Option<usize>) -> Decision {
        Decision::Copy(Admission { write, slice, share: Share::ALL, content: Content::Any })
    }

    fn checked(writes: bool) -> Decision {
        let content = Content::Checked { writes };
        Decision::Copy(Admission { write: false, slice: None, share: Share::ALL, content })
    }

    #[test]
    fn methods_routes_and_slices_decide() {
        use Decision::Pass;
        use NotCopiedReason::{Excluded, Write};

        let table = [
            ("GET", "/x", copied(false, None)),
            ("HEAD", "/x", copied(false, None)),
            ("OPTIONS", "/x", copied(false, None)),
            ("get", "/x", Pass(Write)),
            ("POST", "/x", Pass(Write)),
            ("TRACE", "/x", Pass(Write)),
            ("BREW", "/x", Pass(Write)),
            ("POST", "/search", checked(false)),
            ("POST", "//search", Pass(Write)),
            ("GET", "/q/a/next", Pass(Write)),
            ("GET", "/q/a//next", Pass(Write)),
            ("GET", "/q/a/%6eext", Pass(Write)),
            ("GET", "/health", Pass(Excluded)),
            ("GET", "/./health", Pass(Excluded)),
            ("POST", "/assets/a.js", Pass(Excluded)),
            ("POST", "/offers/7", copied(true, Some(0))),
            ("GET", "/offers/7", copied(false, Some(0))),
            ("PUT", "/loans/7", Pass(Write)),
            ("GET", "/loans/7", copied(false, Some(1))),
        ];
        for (method, path, expected) in table {
            assert_eq!(decide(method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn the_route_that_was_met_is_told_whatever_becomes_of_the_request() {
        let policy = policy();
        let met = |method: &[u8], path: &[u8]| {
            policy.decide(&Asked { method, path, ..Asked::default() }, true).1
        };
        assert_eq!(met(b"GET", b"/offers/1"), Some(0));
        assert_eq!(met(b"DELETE", b"/loans/1"), Some(1));
        assert_eq!(met(b"GET", b"/x"), None);
        let names: Vec<_> = policy.routes().map(|(slice, _)| slice).collect();
        assert_eq!(names, ["offers", "loans"]);
    }

    #[test]
    fn an_overridden_method_counts() {
        let asked = Asked { method: b"GET", path: b"/x", ..Asked::default() };
        let written = Decision::Pass(NotCopiedReason::Write);
        let table = [
            (Asked { overridden: Some(b"DELETE"), ..asked }, written),
            (Asked { overridden: Some(b"get"), ..asked }, copied(false, None)),
            (Asked { query: b"a=1&_method=put", ..asked }, written),
            (Asked { method: b"POST", overridden: Some(b"GET"), ..asked }, written),
            (Asked { query: b"query=mutation%7Ba%7D", ..asked }, written),
            (Asked { query: b"query=%7Ba%7D", ..asked }, copied(false, None)),
        ];
        for (asked, expected) in table {
            assert_eq!(policy().decide(&asked, false).0, expected, "{asked:?}");
        }
    }

    #[test]
    fn a_replay_is_never_copied_and_never_writes() {
        let asked = Asked { method: b"GET", path: b"/x", shadow: true, ..Asked::default() };
        let passed = Decision::Pass(NotCopiedReason::Shadow);
        assert_eq!(policy().decide(&asked, false).0, passed);
        let search = Asked { method: b"POST", path: b"/search", ..asked };
        assert_eq!(policy().decide(&search, false).0, passed);
        for (method, path) in [("POST", "/x"), ("POST", "/offers/1"), ("GET", "/q/a/next")] {
            let asked = Asked { method: method.as_bytes(), path: path.as_bytes(), ..asked };
            assert_eq!(policy().decide(&asked, false).0, Decision::Refuse, "{method} {path}");
        }
        let mut writing = policy();
        writing.writes = true;
        assert_eq!(writing.decide(&search, false).0, Decision::Refuse, "it may be a mutation");
    }

    #[test]
    fn preflight_and_pause_are_told_apart() {
        let asked = Asked { method: b"OPTIONS", path: b"/x", cors: true, ..Asked::default() };
        let preflight = Decision::Pass(NotCopiedReason::Preflight);
        assert_eq!(policy().decide(&asked, true).0, preflight);
        let get = Asked { method: b"GET", cors: false, ..asked };
        assert_eq!(policy().decide(&get, true).0, Decision::Pass(NotCopiedReason::Paused));
        let post = Asked { method: b"POST", ..get };
        assert_eq!(policy().decide(&post, true).0, Decision::Pass(NotCopiedReason::Write));
    }

    #[test]
    fn shares_admit_about_their_part_of_sessions() {
        let sessions: Vec<SessionKey> = (0..2000_u64)
            .map(|n| {
                let hash = blake3::hash(&n.to_be_bytes());
                SessionKey(*hash.as_bytes().first_chunk().unwrap())
            })
            .collect();
        for share in [0.0, 0.1, 0.5, 1.0] {
            let admitted = sessions.iter().filter(|key| Share::new(share).admits(**key)).count();
            let expected = 2000.0 * share;
            assert!((admitted as f64 - expected).abs() < 100.0, "{share}: {admitted}");
        }
    }
}
