//! What writes that were taken and are not settled yet make or name: who names it in another
//! session waits for them, and so meets the state in which the primary answered.
//!
//! One waits only for an exchange that the primary had answered before its own: everybody waits
//! for what is older, so nobody waits in a circle.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exchange::{Exchange, Micros, Number};
use memory::{Sought, is_unique};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Things that one write is waited for.
const MOST_NAMED: usize = 600;

#[derive(Debug, Default)]
pub(crate) struct Expected {
    inner: Mutex<Inner>,
    settled: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    by_value: HashMap<String, Vec<Create>>,
    values: HashMap<Number, Vec<String>>,
}

#[derive(Debug)]
struct Create {
    kind: String,
    number: Number,
    /// When the primary had answered.
    answered_at: Micros,
    session: exchange::SessionKey,
}

impl Expected {
    /// A write was taken: its answer will name some things, and it changes others.
    pub(crate) fn expect(&self, exchange: &Exchange) {
        if !exchange.write || !(200..400).contains(&exchange.response.status) {
            return;
        }
        let made = memory::made(&exchange.request, &exchange.response);
        let mut named: Vec<(String, String)> =
            made.into_iter().map(|lesson| (lesson.kind, lesson.primary)).collect();
        memory::names(&exchange.request, &mut |sought| {
            let kind = sought.kinds.first().filter(|_| sought.is_id).cloned();
            // Credentials name who asks, not what is changed.
            let credential = sought.kinds.iter().any(|k| k == "token" || k.contains(':'));
            let unique = (is_unique(sought.value) && !credential).then(String::new);
            if let Some(kind) = unique.or(kind).filter(|_| named.len() < MOST_NAMED) {
                named.push((kind, sought.value.to_owned()));
            }
        });
        if named.is_empty() {
            return;
        }
        let mut inner = self.lock();
        let values = named.iter().map(|(_, value)| value.clone()).collect();
        inner.values.insert(exchange.number, values);
        for (kind, value) in named {
            let create = Create {
                kind,
                number: exchange.number,
                answered_at: answered_at(exchange),
                session: exchange.session,
            };
            inner.by_value.entry(value).or_default().push(create);
        }
    }

    pub(crate) fn over(&self, number: Number) {
        let mut inner = self.lock();
        let Some(values) = inner.values.remove(&number) else { return };
        for value in values {
            if let Some(creates) = inner.by_value.get_mut(&value) {
                creates.retain(|create| create.number != number);
                if creates.is_empty() {
                    inner.by_value.remove(&value);
                }
            }
        }
        drop(inner);
        self.settled.notify_waiters();
    }

    /// Nothing is expected any more: what was taken goes back.
    pub(crate) fn clear(&self) {
        *self.lock() = Inner::default();
        self.settled.notify_waiters();
    }

    /// Whether a request names what a create before it has still to make.
    pub(crate) fn names(&self, exchange: &Exchange) -> bool {
        let inner = self.lock();
        if inner.by_value.is_empty() {
            return false;
        }
        let mut named = false;
        memory::names(&exchange.request, &mut |sought| {
            named |= inner.by_value.get(sought.value).is_some_and(|creates| {
                creates.iter().any(|create| create.is_before(exchange) && create.fits(sought))
            });
        });
        named
    }

    /// Waits for the creates of other sessions that make what this request names, for so long at
    /// most; `None` where `closing` came.
    pub(crate) async fn wait(
        &self,
        exchange: &Exchange,
        most: Duration,
        closing: &CancellationToken,
    ) -> Option<()> {
        let waiting = async {
            loop {
                let settled = self.settled.notified();
                tokio::pin!(settled);
                // Before the look, so that nothing that ends after it is missed.
                settled.as_mut().enable();
                if !self.names(exchange) {
                    return;
                }
                settled.await;
            }
        };
        tokio::select! {
            biased;
            ended = tokio::time::timeout(most, waiting) => {
                let _ = ended;
                Some(())
            }
            () = closing.cancelled() => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Create {
    fn is_before(&self, exchange: &Exchange) -> bool {
        // Within a session order is kept anyway.
        self.session != exchange.session && self.answered_at < answered_at(exchange)
    }

    fn fits(&self, sought: &Sought<'_>) -> bool {
        let cookie = self.kind.starts_with("cookie:");
        sought.kinds.contains(&self.kind)
            || (is_unique(sought.value) && (self.kind.is_empty() || cookie))
    }
}

fn answered_at(exchange: &Exchange) -> Micros {
    exchange.started_at.saturating_add_unsigned(exchange.duration_us)
}

#[cfg(test)]
mod tests {
    use exchange::{Body, SessionKey};

    use super::*;
    use crate::fixture::exchange_with;

    fn create(n: u64, at: Micros, id: u64) -> Exchange {
        let mut exchange = exchange_with("POST", "/loans");
        exchange.write = true;
        exchange.number.n = n;
        exchange.started_at = at;
        exchange.response.body = Body::Whole(format!("{{\"id\":{id}}}").into());
        exchange
    }

    fn read(at: Micros, target: &str) -> Exchange {
        Exchange { started_at: at, ..exchange_with("GET", target) }
    }

    #[tokio::test]
    async fn who_names_what_a_create_has_still_to_make_waits_for_it() {
        let expected = Expected::default();
        expected.expect(&create(1, 100, 7));
        let named = read(200_000, "/loans/7/offers");
        assert!(expected.names(&named));
        assert!(!expected.names(&read(200_000, "/loans/8")));
        assert!(!expected.names(&read(200_000, "/offers/7")));
        assert!(!expected.names(&read(0, "/loans/7")), "it was answered before");
        let own = Exchange { session: SessionKey([9; 16]), ..named.clone() };
        let mut mine = create(2, 100, 9);
        mine.session = own.session;
        expected.expect(&mine);
        assert!(!expected.names(&Exchange { session: own.session, ..read(200_000, "/loans/9") }));

        let mut change = create(3, 100, 0);
        change.request.target = "/offers/55/accept".to_owned();
        expected.expect(&change);
        assert!(expected.names(&read(200_000, "/offers/55")), "a write changes it");
        assert!(!expected.names(&read(200_000, "/loans/55")));

        let closing = CancellationToken::new();
        let begun = std::time::Instant::now();
        let most = Duration::from_secs(10);
        let ending = async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            expected.over(Number { n: 1, ..create(1, 0, 0).number });
        };
        let (waited, ()) = tokio::join!(expected.wait(&named, most, &closing), ending);
        assert!(waited.is_some() && begun.elapsed() < Duration::from_secs(5));
        assert!(!expected.names(&named));
    }
}
