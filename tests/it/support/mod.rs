//! What several integration tests share.

pub(crate) mod canned;
pub(crate) mod desk;
pub(crate) mod front;
pub(crate) mod gated;
pub(crate) mod harness;
#[cfg(unix)]
pub(crate) mod pty;
pub(crate) mod stage;
pub(crate) mod svg;
pub(crate) mod wire;

use std::time::Duration;

/// How long a test waits for what must happen; only a failing test waits this long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
