//! Identifiers. They come from one seeded counter ([`Ids`]), so a session can be replayed.

use serde::{Deserialize, Serialize};

/// Identifies one run: every stream message carries it, and a message for an unknown run is stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId(pub u64);

/// Identifies one message of the open conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MessageId(pub u64);

/// Hands out identifiers, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    last: u64,
}

impl Ids {
    /// Returns a run identifier that was never handed out before.
    pub fn run(&mut self) -> RunId {
        RunId(self.next())
    }

    /// Returns a message identifier that was never handed out before.
    pub fn message(&mut self) -> MessageId {
        MessageId(self.next())
    }

    /// Returns a number that was never handed out before, for what is no run and no message.
    pub fn number(&mut self) -> u64 {
        self.next()
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}
