//! How busy the publisher is: what it can leave out when it does not keep up.
//!
//! Compression is most of what a large exchange costs. It is left out when the thread works nearly
//! all the time (by the wall clock: a core that others use counts too), because the next thing
//! to go would be copies; and comes back when there is time for it. A slow broker keeps this
//! thread waiting, not working, so that messages stay small for it.

use std::time::{Duration, Instant};

use exchange::envelope::Squeeze;

const WINDOW: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Load {
    since: Instant,
    rest: Duration,
    squeeze: Squeeze,
}

impl Load {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, rest: Duration::ZERO, squeeze: Squeeze::Yes }
    }

    /// The thread had nothing to do from `begun` to `now`.
    pub(super) fn rested(&mut self, begun: Instant, now: Instant) {
        self.rest += now.saturating_duration_since(begun);
        let window = now.saturating_duration_since(self.since);
        if window < WINDOW {
            return;
        }
        // Packing costs a third or less without compression: the two bounds are further apart,
        // or one would lead to the other.
        if self.rest < window / 8 {
            self.squeeze = Squeeze::No;
        } else if self.rest > window / 4 * 3 {
            self.squeeze = Squeeze::Yes;
        }
        (self.since, self.rest) = (now, Duration::ZERO);
    }

    pub(super) fn squeeze(&self) -> Squeeze {
        self.squeeze
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After windows of ten turns each, of which `rest` milliseconds of every ten are rest.
    fn after(load: &mut Load, start: &mut Instant, rest: u64) -> Squeeze {
        for _ in 0..10 {
            *start += Duration::from_millis(10);
            load.rested(*start - Duration::from_millis(rest), *start);
        }
        load.squeeze()
    }

    #[test]
    fn compression_goes_when_there_is_no_rest_and_comes_back_with_it() {
        let mut now = Instant::now();
        let mut load = Load::new(now);
        assert_eq!(after(&mut load, &mut now, 2), Squeeze::Yes);
        assert_eq!(after(&mut load, &mut now, 1), Squeeze::No);
        // What compression took is not yet enough to do it again.
        assert_eq!(after(&mut load, &mut now, 7), Squeeze::No);
        assert_eq!(after(&mut load, &mut now, 8), Squeeze::Yes);
        assert_eq!(after(&mut load, &mut now, 7), Squeeze::Yes);
    }
}
