//! How much of a core compression may take.
//!
//! For large bodies it is most of what a copy costs. It gets a tenth of one core and no more: what
//! comes faster goes as it is, larger for the broker but with time left to pack the next one. Time
//! is taken by the clock, so that a core which others use counts as used.

use std::time::{Duration, Instant};

use exchange::envelope::Squeeze;

/// One part in so many of the time that passes.
const SHARE: u32 = 10;
/// Saved up at most: some megabytes at once.
const SAVED: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Thrift {
    left: Duration,
    /// Spent beyond what there was.
    owed: Duration,
    since: Instant,
}

impl Thrift {
    pub(super) fn new(now: Instant) -> Self {
        Self { left: SAVED, owed: Duration::ZERO, since: now }
    }

    pub(super) fn squeeze(&mut self, now: Instant) -> Squeeze {
        let earned = now.saturating_duration_since(self.since) / SHARE;
        self.since = now;
        let paid = self.owed.min(earned);
        self.owed -= paid;
        self.left = (self.left + (earned - paid)).min(SAVED);
        if self.left > Duration::ZERO { Squeeze::Yes } else { Squeeze::No }
    }

    /// A message was compressed, or tried to be, in this time.
    pub(super) fn spend(&mut self, time: Duration) {
        self.owed += time.saturating_sub(self.left);
        self.left = self.left.saturating_sub(time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 1,000 messages, one each `every`, that take `each` to compress: how many are.
    fn squeezed(every: Duration, each: Duration) -> usize {
        let start = Instant::now();
        let mut thrift = Thrift::new(start);
        let mut count = 0;
        for n in 0..1000 {
            if thrift.squeeze(start + every * n) == Squeeze::Yes {
                thrift.spend(each);
                count += 1;
            }
        }
        count
    }

    #[test]
    fn compression_takes_a_tenth_of_the_time_at_most() {
        let (ms, us) = (Duration::from_millis, Duration::from_micros);
        assert_eq!(squeezed(ms(10), ms(1)), 1000, "a tenth is within the share");
        assert_eq!(squeezed(ms(10), us(100)), 1000);
        // What was saved up at the start, then half of them.
        assert!((500..=515).contains(&squeezed(ms(10), ms(2))), "{}", squeezed(ms(10), ms(2)));
        assert!((100..=125).contains(&squeezed(ms(1), ms(1))), "{}", squeezed(ms(1), ms(1)));
        // One that takes very long is paid for by the next ones.
        assert!(squeezed(ms(10), ms(500)) <= 3);
    }
}
