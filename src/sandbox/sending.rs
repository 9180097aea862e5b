//! How an answer leaves: the pace of its tokens, the events of a stream, and the ways it breaks off.
//!
//! Owns the queue between generation and the connection. Never knows what is sent.

use super::fault::{Behaviour, Pace};
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::io;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

/// Chunks that wait for a slow reader before generation pauses.
const QUEUE: usize = 64;
/// Tokens after which other tasks get their turn.
const TOKENS_PER_TURN: usize = 8;
/// Time between the last bytes and the cut: an error that comes at once throws away what is buffered.
const BEFORE_CUT: Duration = Duration::from_millis(20);

/// Waits until tokens are due and lets other tasks run in between.
pub(super) struct Pacer {
    pace: Option<Pace>,
    started: Instant,
    told: usize,
}

impl Pacer {
    /// Returns a pacer for an answer whose request came at `started`.
    pub(super) fn new(pace: Option<Pace>, started: Instant) -> Self {
        Self { pace, started, told: 0 }
    }

    /// Waits for the next token.
    pub(super) async fn wait(&mut self) {
        if let Some(pace) = self.pace {
            tokio::time::sleep_until(self.started + pace.due(self.told)).await;
        } else if self.told.is_multiple_of(TOKENS_PER_TURN) {
            tokio::task::yield_now().await;
        }
        self.told += 1;
    }
}

/// The reader is gone, or the answer was broken off on purpose.
pub(super) struct Over;

/// Where the chunks of a stream go.
pub(super) struct Sink {
    sender: mpsc::Sender<io::Result<Bytes>>,
    splits_characters: bool,
}

impl Sink {
    /// Returns a sink and the response that carries what is put into it.
    pub(super) fn new(behaviour: Behaviour) -> (Self, Response) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
        let response = (headers, Body::from_stream(ReceiverStream::new(receiver))).into_response();
        (Self { sender, splits_characters: behaviour == Behaviour::SplitsCharacters }, response)
    }

    /// Ends a stream that is over before its end, as the model does.
    pub(super) async fn break_off(&self, behaviour: Behaviour) {
        if behaviour == Behaviour::Cut {
            cut(&self.sender).await;
        } else if behaviour == Behaviour::Stall {
            self.sender.closed().await;
        }
    }

    /// Sends an event.
    pub(super) async fn send(&self, event: &Value) -> Result<(), Over> {
        self.write(format!("data: {event}\n\n")).await
    }

    /// Sends a frame as it is.
    pub(super) async fn write(&self, frame: String) -> Result<(), Over> {
        let frame = Bytes::from(frame);
        if !self.splits_characters {
            return self.sender.send(Ok(frame)).await.map_err(|_| Over);
        }
        for piece in split_characters(&frame) {
            self.sender.send(Ok(piece)).await.map_err(|_| Over)?;
            // Otherwise the pieces would leave in one write, and be whole again.
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// Returns the bytes in pieces that end after the first byte of every character beyond ASCII.
fn split_characters(frame: &Bytes) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, byte) in frame.iter().enumerate() {
        if *byte >= 0xc0 {
            pieces.push(frame.slice(start..=at));
            start = at + 1;
        }
    }
    pieces.push(frame.slice(start..));
    pieces
}

/// Returns a response that breaks off in the middle of its body.
pub(super) fn cut_in_half(body: &Value) -> Response {
    let mut bytes = body.to_string().into_bytes();
    bytes.truncate(bytes.len() / 2);
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        if sender.send(Ok(Bytes::from(bytes))).await.is_ok() {
            cut(&sender).await;
        }
    });
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, Body::from_stream(ReceiverStream::new(receiver))).into_response()
}

/// Breaks the connection off after what was sent has left.
async fn cut(sender: &mpsc::Sender<io::Result<Bytes>>) {
    tokio::time::sleep(BEFORE_CUT).await;
    let cut = io::Error::new(io::ErrorKind::ConnectionAborted, "cut on purpose");
    // A reader that is gone needs no cutting.
    let _ = sender.send(Err(cut)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_split_after_their_first_byte() {
        let pieces = split_characters(&Bytes::from("a밤b🙂"));
        let sizes: Vec<usize> = pieces.iter().map(Bytes::len).collect();
        assert_eq!(sizes, [2, 4, 3]);
        assert_eq!(pieces.concat(), "a밤b🙂".as_bytes());
    }
}
