//! What stands above every page while something is wrong, the obvious first.

use exchange::Micros;
use queue::QueueHealth;

use super::Look;
use crate::{
    diagnosis::{Facts, diagnose},
    ledger::Scope,
    words,
};

/// One line: what happened, what is safe, what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Banner {
    /// `warn` or `fail`.
    pub(crate) class: &'static str,
    pub(crate) text: String,
}

pub(crate) fn banners(look: &Look, scope: &Scope) -> Vec<Banner> {
    let mut banners = Vec::new();
    banners.extend(queue(&look.queue, &since(look.pulse.queue_down_since, look)));
    let facts = Facts::of(&look.ledger, scope, look.breaker.as_ref());
    if let Some(text) = diagnose(&facts) {
        let text = match look.breaker.as_ref().filter(|breaker| breaker.open) {
            Some(breaker) => format!(
                "{text} Replay waits and probes{}; users are not affected.",
                since(Some(breaker.since), look)
            ),
            None => text,
        };
        banners.push(Banner { class: "fail", text });
    }
    banners.extend(paused(look));
    banners.extend(lost(look.ledger.funnel.lost));
    banners
}

fn since(at: Option<Micros>, look: &Look) -> String {
    at.map_or_else(String::new, |at| format!(" since {}", words::when(at, look.now)))
}

fn queue(health: &QueueHealth, since: &str) -> Option<Banner> {
    let detail = health.detail.trim_end_matches('.');
    if health.connected && !health.blocked {
        return None;
    }
    if health.connected {
        let text = format!(
            "The queue takes nothing at the moment: {detail}. Users are not affected; taps keep \
             their copies on disk."
        );
        return Some(Banner { class: "warn", text });
    }
    let text = if is_full(detail) {
        format!(
            "The disk is full{since}, copies are being dropped: {detail}. Users are not affected. \
             Free space in the data folder."
        )
    } else if is_of_disk(detail) {
        format!(
            "The queue on disk cannot be written{since}, copies are being dropped: {detail}. Users \
             are not affected. Check the data folder."
        )
    } else {
        format!(
            "The queue does not answer{since}: {detail}. Users are not affected; taps keep their \
             copies on disk. Check the queue URL in understudy.toml."
        )
    };
    Some(Banner { class: "fail", text })
}

/// As the operating system says it, in a message that has gone through the queue's log.
fn is_full(detail: &str) -> bool {
    let detail = detail.to_ascii_lowercase();
    ["no space left", "storage full", "storagefull", "disk full", "quota exceeded"]
        .iter()
        .any(|words| detail.contains(words))
}

/// The log on disk names itself in what it reports.
fn is_of_disk(detail: &str) -> bool {
    detail.starts_with("writing the log in ") || detail.starts_with("deliveries in ")
}

fn paused(look: &Look) -> Option<Banner> {
    let desired = &look.desired;
    let what = match (desired.copy_paused(), desired.replay_paused(), look.ledger.funnel.paused) {
        (true, true, _) => "Copying and replaying are paused",
        (true, false, _) => "Copying is paused",
        (false, true, _) => "Replaying is paused",
        (false, false, true) => "Copying is paused at a tap",
        (false, false, false) => return None,
    };
    let since = since(desired.paused_since, look);
    Some(Banner { class: "warn", text: format!("{what}{since}. Users are not affected.") })
}

fn lost(lost: u64) -> Option<Banner> {
    let were = match lost {
        0 => return None,
        1 => "1 exchange was".to_owned(),
        lost => format!("{} exchanges were", words::count(lost)),
    };
    let text = format!(
        "{were} lost between tap and store. The gate does not pass until this is explained: see \
         Pipeline."
    );
    Some(Banner { class: "fail", text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(detail: &str) -> String {
        let health = QueueHealth { detail: detail.to_owned(), ..QueueHealth::default() };
        queue(&health, " since 14:02").unwrap().text
    }

    #[test]
    fn a_full_disk_is_called_one() {
        let text = down(
            "writing the log in /data/queue/exchanges failed: No space left on device (os error 28)",
        );
        assert!(text.starts_with("The disk is full since 14:02, copies are being dropped: "));
        assert!(text.contains("Free space in the data folder"), "{text}");
        assert!(!text.contains("queue URL") && !text.contains("keep their copies"), "{text}");
        let text = down("writing the log in /data failed: Permission denied (os error 13)");
        assert!(text.contains("Check the data folder") && !text.contains("is full"), "{text}");
        let text = down("connection refused");
        assert!(text.contains("keep their copies on disk. Check the queue URL"), "{text}");
    }

    #[test]
    fn a_queue_that_works_says_nothing() {
        let mut health = QueueHealth { connected: true, ..QueueHealth::default() };
        assert_eq!(queue(&health, ""), None);
        health.blocked = true;
        assert_eq!(queue(&health, "").unwrap().class, "warn");
    }
}
