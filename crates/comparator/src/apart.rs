//! A thread of its own for work that needs much memory for a moment.
//!
//! An allocator has an arena for each of many threads, and an arena keeps what was needed there
//! once: work that wanders over the threads of a pool holds its peak many times over.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
};

use anyhow::Context;
use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// The thread; it ends when this is dropped. Started when there is work first.
#[derive(Debug, Default)]
pub(crate) struct Apart {
    work: Option<mpsc::Sender<Work>>,
}

impl Apart {
    /// What `work` gives. An error where it panicked, or no thread can be started.
    pub(crate) async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move || {
            if let Ok(done) = catch_unwind(AssertUnwindSafe(work)) {
                answer.send(done).ok();
            }
        });
        if self.work.is_none() {
            let (sender, receiver) = mpsc::channel::<Work>();
            let own = move || receiver.into_iter().for_each(|work| work());
            thread::Builder::new().name("analyst".into()).spawn(own).context("a thread")?;
            self.work = Some(sender);
        }
        let sent = self.work.as_ref().is_some_and(|thread| thread.send(work).is_ok());
        anyhow::ensure!(sent, "the thread has ended");
        answered.await.context("it panicked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_thread_does_all_and_outlives_a_panic() {
        let mut apart = Apart::default();
        let name = || thread::current().name().map(str::to_owned);
        assert_eq!(apart.run(name).await.unwrap().as_deref(), Some("analyst"));
        let first = apart.run(|| thread::current().id()).await.unwrap();
        assert!(apart.run(|| panic!("as a test")).await.is_err());
        assert_eq!(apart.run(|| thread::current().id()).await.unwrap(), first);
    }
}
