//! What people want copying and replaying to do.
//!
//! The state lives in the store; every process hears of it at each change and again every two
//! seconds, so that one that was away learns it too. Nothing is sent before anybody asked for
//! anything: a tap paused by hand at its own admin port stays paused.

use exchange::{
    Micros,
    control::{self, Command, Scope},
};
use queue::Queue;
use serde::{Deserialize, Serialize};
use store::Store;

use crate::api::{ApiError, PauseState, instant};

/// The store's setting.
const NAME: &str = control::DESIRED_SETTING;

/// The command as other processes read it, with what only pages need beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Desired {
    #[serde(flatten)]
    pub(crate) command: Command,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) paused_since: Option<Micros>,
}

impl Default for Desired {
    fn default() -> Self {
        let command =
            Command::Desired { copy_paused: false, replay_paused: false, candidate_version: None };
        Self { command, paused_since: None }
    }
}

impl Desired {
    pub(crate) fn copy_paused(&self) -> bool {
        matches!(self.command, Command::Desired { copy_paused: true, .. })
    }

    pub(crate) fn replay_paused(&self) -> bool {
        matches!(self.command, Command::Desired { replay_paused: true, .. })
    }

    /// Pauses or resumes what `scope` names.
    pub(crate) fn set_paused(&mut self, scope: Scope, paused: bool, now: Micros) {
        let Command::Desired { copy_paused, replay_paused, .. } = &mut self.command else { return };
        if scope.copy() {
            *copy_paused = paused;
        }
        if scope.replay() {
            *replay_paused = paused;
        }
        self.paused_since =
            (*copy_paused || *replay_paused).then(|| self.paused_since.unwrap_or(now));
    }

    pub(crate) fn announce(&mut self, version: &str) {
        if let Command::Desired { candidate_version, .. } = &mut self.command {
            *candidate_version = Some(version.to_owned());
        }
    }

    pub(crate) fn state(&self) -> PauseState {
        PauseState {
            copy_paused: self.copy_paused(),
            replay_paused: self.replay_paused(),
            since: self.paused_since.map(instant),
        }
    }
}

/// `None`: nobody asked for anything yet.
pub(crate) async fn load(store: &Store) -> Result<Option<Desired>, ApiError> {
    let Some(text) = store.setting(NAME).await? else {
        return Ok(None);
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| ApiError::Unreadable(format!("the setting `{NAME}`: {error}")))
}

/// Keeps the state, then tells every process that listens.
pub(crate) async fn keep(store: &Store, queue: &Queue, desired: &Desired) -> Result<(), ApiError> {
    let text = serde_json::to_string(desired)
        .map_err(|error| ApiError::Unreadable(format!("the setting `{NAME}`: {error}")))?;
    store.set_setting(NAME, &text).await?;
    send(queue, desired).await;
    Ok(())
}

pub(crate) async fn send(queue: &Queue, desired: &Desired) {
    send_command(queue, &desired.command).await;
}

/// Tells every process that listens.
pub(crate) async fn send_command(queue: &Queue, command: &Command) {
    match serde_json::to_vec(command) {
        Ok(command) => queue.control().send(command.into()).await,
        Err(error) => tracing::error!(%error, "a command could not be written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_processes_can_read_what_is_kept() {
        let mut desired = Desired::default();
        desired.set_paused(Scope::Copy, true, 7);
        desired.announce("v2");
        let text = serde_json::to_string(&desired).unwrap();
        let command: Command = serde_json::from_str(&text).unwrap();
        assert_eq!(command, desired.command);
        assert_eq!(serde_json::from_str::<Desired>(&text).unwrap(), desired);
    }

    #[test]
    fn a_pause_keeps_its_beginning_until_both_resume() {
        let mut desired = Desired::default();
        desired.set_paused(Scope::Copy, true, 7);
        desired.set_paused(Scope::Both, true, 9);
        assert_eq!(desired.paused_since, Some(7));
        desired.set_paused(Scope::Copy, false, 10);
        assert_eq!((desired.replay_paused(), desired.paused_since), (true, Some(7)));
        desired.set_paused(Scope::Both, false, 11);
        assert_eq!(desired.paused_since, None);
    }
}
