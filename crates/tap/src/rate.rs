//! Rate caps by whole session.
//!
//! A bucket fills with `rate` tokens a second and holds one second's worth; every admitted
//! exchange takes one. A session is decided at its first exchange: in while there is a token,
//! out otherwise, and it stays so. Sessions that are in may take the bucket into debt, and no new
//! one comes in until that is paid: the cap holds on average, and no session is torn apart.
//!
//! Memory is bounded. A session is remembered for at least [`REMEMBER`] after its last exchange,
//! or until [`GENERATION`] other sessions have been seen; later it is decided anew.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use exchange::SessionKey;

use crate::config::TapConfig;

const REMEMBER: Duration = Duration::from_secs(10 * 60);
const GENERATION: usize = 32 * 1024;
/// Debt beyond this many seconds' worth is forgiven: a few endless sessions do not keep all
/// others out for ever.
const MAX_DEBT_SECONDS: f64 = 60.0;

/// The caps of one tap, all its workers together.
#[derive(Debug)]
pub(crate) struct Caps {
    all: Option<RateCap>,
    slices: Vec<Option<RateCap>>,
}

impl Caps {
    /// Of a checked configuration.
    pub(crate) fn new(config: &TapConfig) -> Self {
        let cap = |rate: Option<f64>| rate.map(RateCap::new);
        Self {
            all: cap(config.max_rate),
            slices: config.slices.iter().map(|slice| cap(slice.max_rate)).collect(),
        }
    }

    /// Whether there is anything to ask for an exchange of this slice.
    pub(crate) fn apply_to(&self, slice: Option<usize>) -> bool {
        self.all.is_some() || self.of(slice).is_some()
    }

    /// Takes a token of every cap that applies. `None` is an exchange that is its own session.
    pub(crate) fn admit(
        &self,
        slice: Option<usize>,
        session: Option<SessionKey>,
        now: Instant,
    ) -> bool {
        let mut caps = self.of(slice).into_iter().chain(&self.all);
        caps.all(|cap| cap.admit(session, now))
    }

    fn of(&self, slice: Option<usize>) -> Option<&RateCap> {
        slice.and_then(|at| self.slices.get(at)).and_then(Option::as_ref)
    }
}

#[derive(Debug)]
struct RateCap {
    rate: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    filled: Option<Instant>,
    /// Whether each session is in.
    current: HashMap<SessionKey, bool>,
    earlier: HashMap<SessionKey, bool>,
    turned: Option<Instant>,
}

impl RateCap {
    fn new(rate: f64) -> Self {
        let state = State {
            tokens: rate.max(1.0),
            filled: None,
            current: HashMap::new(),
            earlier: HashMap::new(),
            turned: None,
        };
        Self { rate, state: Mutex::new(state) }
    }

    fn admit(&self, session: Option<SessionKey>, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.fill(self.rate, now);
        let admitted = match session {
            Some(session) => state.decided(session, now),
            None => state.tokens >= 1.0,
        };
        if admitted {
            state.tokens = (state.tokens - 1.0).max(-MAX_DEBT_SECONDS * self.rate);
        }
        admitted
    }
}

impl State {
    fn fill(&mut self, rate: f64, now: Instant) {
        let since = self
            .filled
            .replace(now)
            .map_or(Duration::ZERO, |before| now.saturating_duration_since(before));
        self.tokens = (self.tokens + since.as_secs_f64() * rate).min(rate.max(1.0));
    }

    fn decided(&mut self, session: SessionKey, now: Instant) -> bool {
        let age = now.saturating_duration_since(*self.turned.get_or_insert(now));
        if age >= REMEMBER * 2 {
            self.current.clear();
            self.earlier.clear();
            self.turned = Some(now);
        }
        if let Some(admitted) = self.current.get(&session) {
            return *admitted;
        }
        let known = self.earlier.get(&session).copied();
        if age >= REMEMBER || self.current.len() >= GENERATION {
            self.earlier = std::mem::take(&mut self.current);
            self.turned = Some(now);
        }
        let admitted = known.unwrap_or(self.tokens >= 1.0);
        self.current.insert(session, admitted);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(n: u32) -> Option<SessionKey> {
        let mut key = [0; 16];
        key[..4].copy_from_slice(&n.to_be_bytes());
        Some(SessionKey(key))
    }

    #[test]
    fn a_session_is_in_or_out_as_a_whole() {
        let cap = RateCap::new(2.0);
        let start = Instant::now();
        assert!(cap.admit(session(1), start));
        assert!(cap.admit(session(2), start));
        assert!(!cap.admit(session(3), start));
        // The first goes on, into debt; the third stays out when there are tokens again.
        for _ in 0..5 {
            assert!(cap.admit(session(1), start));
        }
        assert!(!cap.admit(session(4), start + Duration::from_secs(2)));
        let later = start + Duration::from_secs(10);
        assert!(!cap.admit(session(3), later));
        assert!(cap.admit(session(5), later));
    }

    #[test]
    fn exchanges_of_no_session_keep_the_rate() {
        let cap = RateCap::new(10.0);
        let start = Instant::now();
        let admitted =
            (0..1000).filter(|n| cap.admit(None, start + Duration::from_millis(n * 10))).count();
        assert!((100..=112).contains(&admitted), "{admitted}");
    }

    #[test]
    fn the_rate_holds_on_average_over_sessions() {
        let cap = RateCap::new(50.0);
        let start = Instant::now();
        // 200 a second for 30 s, in sessions of ten.
        let admitted = (0..6000_u32)
            .filter(|n| {
                cap.admit(session(n / 10), start + Duration::from_millis(u64::from(*n) * 5))
            })
            .count();
        assert!((1400..=1700).contains(&admitted), "{admitted}");
        assert_eq!(admitted % 10, 0, "whole sessions");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_rests_while_it_is_used() {
        let cap = RateCap::new(1.0);
        let start = Instant::now();
        assert!(cap.admit(session(0), start));
        assert!(!cap.admit(session(1), start));
        for n in 0..u32::try_from(GENERATION * 3).unwrap() {
            cap.admit(session(n + 10), start);
            assert!(n % 1000 != 0 || !cap.admit(session(1), start), "{n}");
        }
        let state = cap.state.lock().unwrap();
        assert!(state.current.len() <= GENERATION && state.earlier.len() <= GENERATION);
        drop(state);
        assert!(!cap.admit(session(1), start + REMEMBER));
        assert!(cap.admit(session(1), start + REMEMBER * 3), "decided anew");
    }

    #[test]
    fn debt_is_bounded() {
        let cap = RateCap::new(1.0);
        let start = Instant::now();
        for _ in 0..1000 {
            assert!(cap.admit(session(1), start));
        }
        assert!(!cap.admit(session(2), start + Duration::from_secs(59)));
        assert!(cap.admit(session(3), start + Duration::from_secs(62)));
    }

    #[test]
    fn caps_of_slice_and_tap_both_count() {
        let slice = crate::SliceConfig { max_rate: Some(1.0), ..Default::default() };
        let config = TapConfig { max_rate: Some(2.0), slices: vec![slice], ..TapConfig::default() };
        let caps = Caps::new(&config);
        let now = Instant::now();
        assert!(caps.apply_to(None) && caps.apply_to(Some(0)));
        assert!(caps.admit(Some(0), None, now));
        assert!(!caps.admit(Some(0), None, now));
        assert!(caps.admit(None, None, now));
        assert!(!caps.admit(None, None, now));
        assert!(!Caps::new(&TapConfig::default()).apply_to(None));
    }
}
