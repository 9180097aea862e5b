//! The statistics over repeats, computed a second time: from exported JSON alone, by the plainest code.

#![expect(clippy::cast_precision_loss, reason = "the counts are small")]

use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokenscope::core::diversity::Diversity;
use tokenscope::core::id::RunId;
use tokenscope::core::request::{Request, Sampling};
use tokenscope::core::run::Run;
use tokenscope::core::stream::{FinishReason, StreamEvent, Usage};
use tokenscope::core::time::Timestamp;
use tokenscope::core::token::{Piece, Token, TokenJson};
use unicode_segmentation::UnicodeSegmentation;

const TOLERANCE: f64 = 1e-9;

fn run(number: u64, pieces: &[(String, f64)]) -> Run {
    let request = Request {
        endpoint: "e".into(),
        model: "m".into(),
        messages: Vec::new(),
        sampling: Sampling::default(),
        continuation: None,
        stream: true,
    };
    let now = Timestamp::from_millis(number);
    let mut run = Run::new(RunId(number), Arc::new(request), now);
    for (text, logprob) in pieces {
        let piece = Piece::new(text.as_str(), None);
        let token = Token { piece, logprob: Some(*logprob), candidates: Box::new([]), id: None };
        run.apply(StreamEvent::Delta { text: text.clone(), tokens: vec![token] }, now);
    }
    let usage = Usage { output_tokens: pieces.len() as u64, ..Usage::default() };
    run.apply(StreamEvent::Usage(usage), now);
    run.apply(StreamEvent::Finished(FinishReason::Stop), now);
    run
}

/// Returns the answers and their statistics as they are exported.
fn exported(runs: &[Run]) -> Value {
    let answer = |run: &Run| {
        json!({
            "text": run.text,
            "output_tokens": run.usage.unwrap().output_tokens,
            "tokens": run.tokens.iter().map(TokenJson::from).collect::<Vec<_>>(),
        })
    };
    let answers: Vec<Value> = runs.iter().map(answer).collect();
    json!({"answers": answers, "statistics": Diversity::of(runs).unwrap()})
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Compares values, and the mean and deviation that follow from them, with what was exported.
#[track_caller]
fn assert_spread(exported: &Value, values: &[f64], answers: usize) {
    let told: Vec<f64> = exported["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    assert_eq!(told.len(), values.len());
    assert!(told.iter().zip(values).all(|(a, b)| (a - b).abs() < TOLERANCE), "{told:?} {values:?}");
    if answers < 5 {
        assert_eq!((&exported["mean"], &exported["deviation"]), (&Value::Null, &Value::Null));
        return;
    }
    let centre = mean(values);
    assert!((exported["mean"].as_f64().unwrap() - centre).abs() < TOLERANCE);
    if values.len() > 1 {
        let variance =
            values.iter().map(|v| (v - centre) * (v - centre)).sum::<f64>() / (values.len() - 1) as f64;
        assert!((exported["deviation"].as_f64().unwrap() - variance.sqrt()).abs() < TOLERANCE);
    }
}

/// The whole table of distances.
fn edits(a: &[&str], b: &[&str]) -> usize {
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1)
            };
        }
    }
    table[a.len()][b.len()]
}

/// The words of a text: letters and digits, with what stands between two letters or two digits.
fn words(text: &str) -> Vec<&str> {
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    let is_letter = |c: char| c.is_alphanumeric() || c == '\u{301}' || c == '_';
    let is_inside = |at: usize| {
        let Some(before) = at.checked_sub(1).map(|at| letters[at].1) else { return false };
        let Some((_, after)) = letters.get(at + 1) else { return false };
        match letters[at].1 {
            '\'' | '.' | '’' => {
                (before.is_alphabetic() && after.is_alphabetic())
                    || (before.is_numeric() && after.is_numeric())
            }
            ':' | '·' => before.is_alphabetic() && after.is_alphabetic(),
            ',' | ';' => before.is_numeric() && after.is_numeric(),
            c => is_letter(c),
        }
    };
    let mut found = Vec::new();
    let mut start = None;
    for (at, (byte, c)) in letters.iter().enumerate() {
        match (start, is_letter(*c) || is_inside(at)) {
            (None, true) => start = Some(*byte),
            (Some(from), false) => {
                found.push(&text[from..*byte]);
                start = None;
            }
            (Some(_), true) | (None, false) => {}
        }
    }
    found.extend(start.map(|from| &text[from..]));
    found.retain(|word| word.contains(char::is_alphanumeric));
    found
}

#[track_caller]
fn assert_share(exported: &Value, distinct: usize, all: usize) {
    match all {
        0 => assert_eq!(exported, &Value::Null),
        _ => assert!((exported.as_f64().unwrap() - distinct as f64 / all as f64).abs() < TOLERANCE),
    }
}

/// Computes the statistics of an export again and compares them with those in it.
pub(crate) fn assert_reproducible(export: &Value) {
    let (answers, told) = (export["answers"].as_array().unwrap(), &export["statistics"]);
    let texts: Vec<&str> = answers.iter().map(|answer| answer["text"].as_str().unwrap()).collect();
    let count = texts.len();

    let folded: Vec<Vec<&str>> = texts.iter().map(|text| text.split_whitespace().collect()).collect();
    let mut sorted = folded.clone();
    sorted.sort();
    let groups: Vec<usize> = sorted.chunk_by(|a, b| a == b).map(<[_]>::len).collect();
    assert_eq!(told["answers"], count);
    assert_eq!(told["distinct"], groups.len());
    let most = *groups.iter().max().unwrap();
    assert!((told["most_common"].as_f64().unwrap() - most as f64 / count as f64).abs() < TOLERANCE);

    let clusters: Vec<Vec<&str>> = texts.iter().map(|text| text.graphemes(true).collect()).collect();
    let mut likenesses = Vec::new();
    for i in 0..count {
        for j in i + 1..count {
            let longer = clusters[i].len().max(clusters[j].len());
            let edits = edits(&clusters[i], &clusters[j]);
            likenesses.push(if longer == 0 { 1.0 } else { 1.0 - edits as f64 / longer as f64 });
        }
    }
    match count {
        1 => assert_eq!(told["similarity"], Value::Null),
        _ => assert_spread(&told["similarity"], &likenesses, count),
    }
    let lengths: Vec<f64> = clusters.iter().map(|clusters| clusters.len() as f64).collect();
    assert_spread(&told["characters"], &lengths, count);

    let spoken: Vec<Vec<&str>> = texts.iter().map(|text| words(text)).collect();
    let singles: Vec<&str> = spoken.iter().flatten().copied().collect();
    let pairs: Vec<(&str, &str)> =
        spoken.iter().flat_map(|words| words.windows(2).map(|pair| (pair[0], pair[1]))).collect();
    let distinct = singles.iter().collect::<BTreeSet<_>>().len();
    assert_share(&told["distinct_1"], distinct, singles.len());
    assert_share(&told["distinct_2"], pairs.iter().collect::<BTreeSet<_>>().len(), pairs.len());

    let output: Vec<f64> = answers.iter().map(|answer| answer["output_tokens"].as_f64().unwrap()).collect();
    assert_spread(&told["tokens"], &output, count);
    let tokens: Vec<&Vec<Value>> =
        answers.iter().map(|answer| answer["tokens"].as_array().unwrap()).collect();
    let logprobs: Vec<f64> = tokens
        .iter()
        .map(|tokens| mean(&tokens.iter().map(|t| t["logprob"].as_f64().unwrap()).collect::<Vec<_>>()))
        .collect();
    assert_spread(&told["mean_logprob"], &logprobs, count);

    if count > 1 {
        assert_eq!(told["divergence"]["unit"], "token");
        let longest = tokens.iter().map(|tokens| tokens.len()).max().unwrap();
        let text = |tokens: &Vec<Value>, at: usize| tokens.get(at).map(|token| token["text"].clone());
        let parts = |at: &usize| tokens.iter().any(|other| text(other, *at) != text(tokens[0], *at));
        let parted = (0..longest).find(parts);
        assert_eq!(told["divergence"]["at"], json!(parted));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn statistics_follow_from_the_export(
        answers in prop::collection::vec(
            prop::collection::vec(("[ab]{1,3} |안녕|하세요 |e\u{301}|👨‍👩‍👧|, |\n", -6.0f64..0.0), 1..40),
            1..8,
        ),
        repeated in 0usize..3,
    ) {
        let mut runs: Vec<Run> = (1..).zip(&answers).map(|(number, pieces)| run(number, pieces)).collect();
        runs.extend(std::iter::repeat_n(runs[0].clone(), repeated));
        assert_reproducible(&exported(&runs));
    }
}
