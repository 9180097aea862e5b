//! The notice at the bottom of the screen: what it says and how long it stays.
//!
//! Owns when a notice goes. Invariant: one that says what went wrong stays until a key was pressed, as
//! nobody may have looked before; every other one goes by itself.

use crate::app::App;
use crate::core::fault::Fault;
use crate::core::time::Timestamp;
use std::time::Duration;

/// A notice stays at least this long, whatever is typed but what sends.
const STAYS: Duration = Duration::from_secs(2);

/// Time to read a character.
const READING: Duration = Duration::from_millis(60);

/// A notice at the bottom of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// Whether something went wrong.
    pub is_fault: bool,
    since: Timestamp,
}

impl Notice {
    /// Returns a notice of something that went wrong.
    pub(super) fn fault(text: String, since: Timestamp) -> Self {
        Self { text, is_fault: true, since }
    }

    /// Returns when it goes by itself.
    fn ends(&self) -> Option<Timestamp> {
        let reading = READING * u32::try_from(self.text.chars().count()).unwrap_or(1000);
        (!self.is_fault).then(|| Timestamp(self.since.0 + STAYS + reading))
    }
}

impl App {
    /// Returns when something changes on screen without a message, if that is known.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Timestamp> {
        let notice = self.notice.as_ref().and_then(Notice::ends);
        notice.into_iter().chain(self.compare.wakes_at()).min()
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), is_fault: false, since: self.now });
    }

    pub(super) fn fault(&mut self, fault: &Fault) {
        self.notice = Some(Notice::fault(fault.to_string(), self.now));
    }

    /// Takes the notice away once there was time to read it.
    pub(super) fn end_notice(&mut self) {
        if self.notice.as_ref().and_then(Notice::ends).is_some_and(|at| self.now >= at) {
            self.notice = None;
        }
    }

    /// Takes the notice away when a key shows that it was read: what it speaks of is sent, or it stood
    /// there for a while.
    pub(super) fn dismiss_notice(&mut self, is_sending: bool) {
        let now = self.now;
        self.notice.take_if(|notice| is_sending || now.since(notice.since) >= STAYS);
    }
}
