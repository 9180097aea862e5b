//! Pieces of an answer as a Chat Completions server streams them.

use serde_json::{Value, json};

/// Returns an event that carries a piece of text.
pub(crate) fn delta(text: &str) -> String {
    event(&json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
}

/// Returns the events that end an answer.
pub(crate) fn done() -> String {
    let stop = event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
    format!("{stop}data: [DONE]\n\n")
}

/// Returns a whole answer.
pub(crate) fn answer(text: &str) -> String {
    delta(text) + &done()
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}
