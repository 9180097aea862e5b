//! Keys, pastes and sizes from the terminal, as a stream.
//!
//! On unix the loop's own thread waits for the terminal together with everything else it waits for,
//! so that a key passes through no other thread on its way. Dropping the stream gives the keyboard
//! up; nothing is read after that.

#[cfg(not(unix))]
pub(crate) use crossterm::event::EventStream as Input;
#[cfg(unix)]
pub(crate) use unix::Input;

#[cfg(unix)]
mod unix {
    use crossterm::event::{Event, poll, read};
    use crossterm::terminal;
    use futures_util::Stream;
    use std::collections::VecDeque;
    use std::io::{self, IsTerminal, Stdin};
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};
    use std::time::Duration;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// The terminal's input.
    pub(crate) struct Input {
        terminal: Option<AsyncFd<Stdin>>,
        resized: Option<Signal>,
        /// Whether the size was told; it may have changed while nobody listened.
        has_told_size: bool,
        /// Keys that were read on the way to a new size.
        waiting: VecDeque<Event>,
    }

    impl Input {
        /// Returns the input from now on. Must be called on the runtime that reads it.
        #[expect(
            deprecated,
            reason = "its soundness asks that the descriptor stays open, and stdin is never closed"
        )]
        pub(crate) fn new() -> Self {
            // The event reader comes first, so that it hears of each new size first.
            let waiting = read_all().unwrap_or_default();
            Self {
                terminal: AsyncFd::with_interest(io::stdin(), Interest::READABLE).ok(),
                resized: signal(SignalKind::window_change()).ok(),
                has_told_size: false,
                waiting,
            }
        }
    }

    /// Returns the keys that are there already, and takes new sizes from the event reader: left in it,
    /// one would be found together with the next key, and the reader overlooks one of the two.
    fn read_all() -> io::Result<VecDeque<Event>> {
        let mut events = VecDeque::new();
        // The event reader does not come back from a terminal that is gone, so that is asked each time.
        while io::stdin().is_terminal() && poll(Duration::ZERO)? {
            let event = read()?;
            if !matches!(event, Event::Resize(..)) {
                events.push_back(event);
            }
        }
        Ok(events)
    }

    impl Stream for Input {
        type Item = io::Result<Event>;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            if let Some(event) = self.waiting.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            let is_resized = self.resized.as_mut().is_some_and(|resized| resized.poll_recv(cx).is_ready());
            if is_resized {
                self.waiting = read_all()?;
            }
            if is_resized || !std::mem::replace(&mut self.has_told_size, true) {
                return Poll::Ready(Some(
                    terminal::size().map(|(width, height)| Event::Resize(width, height)),
                ));
            }
            loop {
                let Some(terminal) = &self.terminal else { return Poll::Ready(None) };
                let mut guard = ready!(terminal.poll_read_ready(cx))?;
                // Looked at before anything is read, see `read_all`.
                if guard.ready().is_read_closed() || !io::stdin().is_terminal() {
                    return Poll::Ready(None);
                }
                match poll(Duration::ZERO) {
                    // More may be left of what was read, so the readiness stays.
                    Ok(true) => return Poll::Ready(Some(read())),
                    Ok(false) => guard.clear_ready(),
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
        }
    }
}
