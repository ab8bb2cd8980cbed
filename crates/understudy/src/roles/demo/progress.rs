//! The progress line of the demo; on a terminal only.

use std::time::Duration;

use demo::Sent;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::roles::report::{Source, all_clusters};

pub(crate) struct Progress {
    line: ProgressBar,
}

impl Progress {
    /// Drawn on standard error where that is a terminal, and nowhere else.
    pub(crate) fn start() -> Self {
        let line = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} requests · {msg}") {
            line.set_style(style);
        }
        line.set_message("waiting for the first comparison");
        line.enable_steady_tick(Duration::from_millis(120));
        Self { line }
    }

    pub(crate) fn sent(&self, sent: Sent) {
        self.line.set_position(sent.answered + sent.failed);
    }

    /// Says how many clusters there are, until `stop`.
    pub(crate) async fn watch(&self, source: &Source, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            // Errors here are of the first moments, before the pages are up.
            if let Ok(clusters) = all_clusters(source).await {
                let mismatches: u64 = clusters.iter().map(|cluster| cluster.count).sum();
                self.line
                    .set_message(format!("{mismatches} mismatches in {} clusters", clusters.len()));
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    pub(crate) fn finish(&self) {
        self.line.finish_and_clear();
    }
}
