//! Ctrl-C, and the runtime of the commands that wait for something.

use crate::cli::failure::Failure;
use std::future::{Future, pending};
use std::pin::Pin;

/// The user's wish to stop.
pub(super) struct Interrupt {
    signal: Pin<Box<dyn Future<Output = ()>>>,
}

impl Interrupt {
    fn new() -> Self {
        let signal = async {
            if tokio::signal::ctrl_c().await.is_err() {
                // It cannot be heard here, so the system ends the process by itself.
                pending::<()>().await;
            }
        };
        Self { signal: Box::pin(signal) }
    }

    /// Waits until the user presses Ctrl-C.
    pub(super) async fn wait(&mut self) {
        self.signal.as_mut().await;
    }

    /// Returns what `work` gives, unless the user presses Ctrl-C first.
    pub(super) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.wait() => Err(Failure::Interrupted),
            done = work => Ok(done),
        }
    }
}

/// Runs the work of a command that waits for something.
pub(super) fn block_on(work: impl AsyncFnOnce(&mut Interrupt) -> Result<(), Failure>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(work(&mut Interrupt::new()));
    // A key command that hangs must not keep the process from ending.
    runtime.shutdown_background();
    done
}
