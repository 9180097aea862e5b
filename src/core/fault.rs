//! Failures as data: what happened, where, and what the user can do about it.

use serde::{Deserialize, Serialize};

/// What kind of failure it was; decides whether a retry makes sense and which remedy is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// No connection: refused, unknown host, TLS.
    Unreachable,
    /// Nothing came within the connect, first-byte or between-bytes limit.
    Timeout,
    /// The key is missing or wrong (401, 403).
    Unauthorized,
    /// The model or path does not exist (404).
    NotFound,
    /// The request was refused (400, 413, 422); `param` names the field when the server did.
    Refused,
    /// Too many requests; worth waiting (429).
    RateLimited,
    /// Quota or credit used up; waiting does not help (402, 429 `insufficient_quota`).
    Quota,
    /// The server failed (5xx).
    Server,
    /// The stream ended before the answer did.
    Cut,
    /// The server sent something that is not the protocol, or more than the limits allow.
    Malformed,
    /// Something on this machine: file, configuration, terminal.
    Local,
}

/// One failure, ready to be shown: a sentence, and a remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The kind of failure.
    pub kind: FaultKind,
    /// What happened, in one sentence without a trailing period.
    pub message: String,
    /// What to do about it, in one sentence without a trailing period; empty when there is nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// HTTP status, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The request parameter the server named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// The server's request id, for a support request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How long the server asks to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Fault {
    /// Returns a fault of `kind` that says `message`.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            remedy: String::new(),
            status: None,
            param: None,
            request_id: None,
            retry_after_ms: None,
        }
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Whether the same request may succeed a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.kind {
            FaultKind::Unreachable
            | FaultKind::Timeout
            | FaultKind::RateLimited
            | FaultKind::Server
            | FaultKind::Cut => true,
            FaultKind::Unauthorized
            | FaultKind::NotFound
            | FaultKind::Refused
            | FaultKind::Quota
            | FaultKind::Malformed
            | FaultKind::Local => false,
        }
    }
}

impl std::fmt::Display for Fault {
    /// Writes `message (status, request id): remedy` on one line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        match (self.status, self.request_id.as_deref()) {
            (Some(status), Some(id)) => write!(f, " (HTTP {status}, request {id})")?,
            (Some(status), None) => write!(f, " (HTTP {status})")?,
            (None, Some(id)) => write!(f, " (request {id})")?,
            (None, None) => {}
        }
        if !self.remedy.is_empty() {
            write!(f, ". {}", self.remedy)?;
        }
        Ok(())
    }
}
