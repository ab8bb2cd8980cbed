//! Sessions from which an exchange was lost: what comes later in them is stamped `gap`.
//!
//! Memory is bounded. A session is remembered for at least [`REMEMBER`] after its last loss; when
//! more sessions lose than fit, every session counts as one with a gap for that long.

use std::{
    collections::HashSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use exchange::SessionKey;

const REMEMBER: Duration = Duration::from_secs(30 * 60);
const MAX_SESSIONS: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// No loss yet: the usual case costs one load.
    any: AtomicBool,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    current: HashSet<SessionKey>,
    earlier: HashSet<SessionKey>,
    turned: Option<Instant>,
    all_until: Option<Instant>,
}

impl Gaps {
    pub(crate) fn note(&self, session: SessionKey, now: Instant) {
        let mut known = self.lock();
        known.turn(now);
        if known.current.len() < MAX_SESSIONS {
            known.current.insert(session);
        } else {
            known.all_until = Some(now + REMEMBER);
        }
        self.any.store(true, Ordering::Release);
    }

    pub(crate) fn has(&self, session: SessionKey, now: Instant) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut known = self.lock();
        known.turn(now);
        known.all_until.is_some_and(|until| now < until)
            || known.current.contains(&session)
            || known.earlier.contains(&session)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Two generations: a session is forgotten between one and two turns after its last loss.
    fn turn(&mut self, now: Instant) {
        let turned = *self.turned.get_or_insert(now);
        if now.saturating_duration_since(turned) >= REMEMBER {
            self.earlier = std::mem::take(&mut self.current);
            self.turned = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(n: u32) -> SessionKey {
        let mut key = [0; 16];
        key[..4].copy_from_slice(&n.to_be_bytes());
        SessionKey(key)
    }

    #[test]
    fn gaps_are_remembered_for_a_while_and_overflow_to_all() {
        let gaps = Gaps::default();
        let start = Instant::now();
        assert!(!gaps.has(session(1), start));
        gaps.note(session(1), start);
        assert!(gaps.has(session(1), start));
        assert!(!gaps.has(session(2), start));
        assert!(gaps.has(session(1), start + REMEMBER));
        assert!(!gaps.has(session(1), start + REMEMBER * 2));
        let later = start + REMEMBER * 2;
        for n in 0..=u32::try_from(MAX_SESSIONS).unwrap() {
            gaps.note(session(n + 10), later);
        }
        assert!(gaps.has(session(1), later + Duration::from_secs(1)));
        assert!(!gaps.has(session(1), later + REMEMBER * 2));
    }
}
