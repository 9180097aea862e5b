//! Saved answers of every wire: the numbers shown for them are those a plain reading of the JSON gives.
//!
//! The fixtures were written by hand after the documented shapes: one Korean answer whose last character
//! is three tokens, one chosen token outside its list, one sentinel. llama.cpp's has one entry for the
//! character, as that server leaves out the others.

use serde_json::Value;
use tokenscope::core::id::RunId;
use tokenscope::core::probability::{Position, surprisal_bits};
use tokenscope::core::run::{Count, Run, RunStatus};
use tokenscope::core::stream::FinishReason;
use tokenscope::core::token::groups;
use tokenscope::provider::read_document;

const CHAT: &str = include_str!("fixtures/chat_completions.json");
const RESPONSES: &str = include_str!("fixtures/responses.json");
const LLAMA: &str = include_str!("fixtures/llama_completion.json");

const TEXT: &str = "오늘은 비가 온다 🌧";

/// One token as a plain reading has it.
struct Row {
    bytes: Vec<u8>,
    logprob: f64,
    tail: f64,
    rank: Option<usize>,
}

fn bytes(value: &Value) -> Vec<u8> {
    value["bytes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap())
        .collect()
}

/// Reads the entries of one answer without any of the program's code.
fn rows(entries: &Value) -> Vec<Row> {
    entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let logprob = entry["logprob"].as_f64().unwrap();
            let listed: Vec<(bool, f64)> = entry["top_logprobs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|listed| {
                    let is_chosen = match listed.get("id") {
                        Some(id) => *id == entry["id"],
                        None => bytes(listed) == bytes(entry),
                    };
                    (is_chosen, listed["logprob"].as_f64().unwrap())
                })
                .collect();
            // A sentinel is no probability, and exp() of it is none of the mass either.
            let mut mass: f64 = listed.iter().map(|(_, logprob)| logprob.exp()).sum();
            let is_listed = listed.iter().any(|(is_chosen, _)| *is_chosen);
            if !is_listed {
                mass += logprob.exp();
            }
            let better = listed.iter().filter(|(_, other)| *other > logprob).count();
            Row { bytes: bytes(entry), logprob, tail: 1.0 - mass, rank: is_listed.then_some(better + 1) }
        })
        .collect()
}

/// Returns the joined pieces: their text and joint logprob.
fn cells(rows: &[Row]) -> Vec<(String, f64)> {
    let (mut cells, mut pending, mut joint) = (Vec::new(), Vec::new(), 0.0);
    for row in rows {
        pending.extend_from_slice(&row.bytes);
        joint += row.logprob;
        if let Ok(text) = std::str::from_utf8(&pending) {
            cells.push((text.to_owned(), joint));
            (pending, joint) = (Vec::new(), 0.0);
        }
    }
    assert!(pending.is_empty());
    cells
}

#[track_caller]
fn assert_close(ours: f64, plain: f64) {
    assert!((ours - plain).abs() < 1e-9, "{ours} is not {plain}");
}

#[track_caller]
fn assert_equals(run: &Run, rows: &[Row]) {
    assert_eq!(run.text, TEXT);
    assert!(run.is_aligned());
    assert_eq!(run.tokens.len(), rows.len());
    for (token, row) in run.tokens.iter().zip(rows) {
        let logprob = token.logprob.unwrap();
        assert_eq!(token.piece.bytes(), row.bytes);
        assert_close(logprob.exp(), row.logprob.exp());
        assert_close(surprisal_bits(logprob), -row.logprob.exp().log2());
        assert_close(Position::new(token).tail().unwrap(), row.tail);
        assert_eq!(Position::new(token).rank(), row.rank);
    }
    let joined = groups(&run.tokens);
    let plain = cells(rows);
    assert_eq!(joined.len(), plain.len());
    for (group, (text, joint)) in joined.iter().zip(&plain) {
        assert_eq!(group.text, *text);
        assert_close(run.joint_logprob(group.tokens.clone()).unwrap(), *joint);
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of tokens")]
    let mean = rows.iter().map(|row| row.logprob).sum::<f64>() / rows.len() as f64;
    assert_close(run.tally().perplexity().unwrap(), (-mean).exp());
    assert_eq!(run.output_tokens(), Some(Count::Exact(9)));
    assert_eq!(run.status, RunStatus::Done(FinishReason::Stop));
}

fn read(text: &str) -> (Run, Value) {
    (read_document(RunId(1), text.as_bytes(), 0).unwrap().run, serde_json::from_str(text).unwrap())
}

#[test]
fn chat_completions_equals_a_plain_calculation() {
    let (run, raw) = read(CHAT);
    assert_equals(&run, &rows(&raw["choices"][0]["logprobs"]["content"]));
    assert_eq!(groups(&run.tokens).last().unwrap().tokens, 5..8);
    assert_eq!(run.tokens[1].candidates[2].logprob, None);
}

#[test]
fn responses_equals_a_plain_calculation() {
    let (run, raw) = read(RESPONSES);
    assert_equals(&run, &rows(&raw["output"][0]["content"][0]["logprobs"]));
    assert_eq!(run.request.sampling.temperature, Some(0.7));
}

#[test]
fn llama_completion_equals_a_plain_calculation_and_marks_what_was_left_out() {
    let (run, raw) = read(LLAMA);
    assert_equals(&run, &rows(&raw["completion_probabilities"]));
    assert_eq!(run.alignment().merged(), [5]);
    assert_eq!((run.tokens[5].id, run.tokens[5].piece.text()), (Some(54), " 🌧"));
}

#[test]
fn all_wires_say_the_same_of_the_same_answer() {
    let (chat, responses) = (read(CHAT).0, read(RESPONSES).0);
    assert_eq!(chat.tokens, responses.tokens);
    assert_eq!((&chat.text, chat.usage, chat.tally()), (&responses.text, responses.usage, responses.tally()));
}
