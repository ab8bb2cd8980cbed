//! What the people at the pages want (pause, announced version), and what they should know
//! (whether the candidate can be reached).

use std::time::Duration;

use exchange::control::{BREAKER_SETTING, BreakerReport, Command, DESIRED_SETTING};
use queue::ControlEvents;
use store::Store;

use crate::player::Player;

/// How often the store is asked, in case a command was missed.
const ASK_EVERY: Duration = Duration::from_secs(5);
const REPORT_PAUSE: Duration = Duration::from_secs(2);

/// Follows commands and the store until the queue closes.
pub(crate) async fn follow(player: &Player, store: &Store, mut commands: ControlEvents) {
    let mut ask = tokio::time::interval(ASK_EVERY);
    ask.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ask.tick().await;
    loop {
        tokio::select! {
            command = commands.next() => match command {
                Some(text) => apply_text(player, &text),
                None => return,
            },
            _ = ask.tick() => learn(player, store).await,
        }
    }
}

/// Takes the desired state from the store, where it can be read.
pub(crate) async fn learn(player: &Player, store: &Store) {
    match store.setting(DESIRED_SETTING).await {
        Ok(Some(text)) => apply_text(player, text.as_bytes()),
        Ok(None) => {}
        Err(error) => {
            tracing::debug!(error = %error, "the desired state cannot be read from the store");
        }
    }
}

fn apply_text(player: &Player, text: &[u8]) {
    match serde_json::from_slice::<Command>(text) {
        Ok(command) => apply(player, &command),
        Err(error) => {
            tracing::warn!(error = %error, "a command is not understood and passed over");
        }
    }
}

fn apply(player: &Player, command: &Command) {
    let Command::Desired { replay_paused, candidate_version, .. } = command else {
        player.recheck.notify_one();
        return;
    };
    let changed = player
        .paused
        .send_if_modified(|paused| std::mem::replace(paused, *replay_paused) != *replay_paused);
    if changed {
        tracing::info!(replay.paused = replay_paused, "replaying was paused or resumed");
    }
    player.versions.announce(candidate_version.as_deref());
}

/// Tells log and store whenever the candidate's breaker opens or closes, for ever.
pub(crate) async fn report_breaker(player: &Player, store: &Store) {
    let mut changes = player.candidate.breaker.watch();
    let origin = player.candidate.line.origin().to_string();
    let mut was_open = false;
    loop {
        let state = changes.borrow_and_update().clone();
        let open = state.open.is_some();
        player.metrics.breaker_open.set(i64::from(open));
        if open != was_open {
            if open {
                tracing::warn!(
                    candidate.origin = %origin,
                    breaker.kind = state.kind.as_str(),
                    reason = %state.detail,
                    "the candidate cannot be used: exchanges wait"
                );
            } else {
                tracing::info!(candidate.origin = %origin, "the candidate can be used again");
            }
            was_open = open;
        }
        let report = BreakerReport {
            open,
            kind: state.kind,
            since: state.since,
            origin: origin.clone(),
            detail: state.detail,
        };
        tokio::select! {
            () = save(store, &report) => {
                if changes.changed().await.is_err() {
                    return;
                }
            }
            // A newer state makes this one not worth telling.
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

async fn save(store: &Store, report: &BreakerReport) {
    let Ok(text) = serde_json::to_string(report) else { return };
    while let Err(error) = store.set_setting(BREAKER_SETTING, &text).await {
        tracing::debug!(error = %error, "the state of the breaker cannot be written to the store");
        tokio::time::sleep(REPORT_PAUSE).await;
    }
}
