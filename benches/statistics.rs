//! Time of the statistics, the consensus and the diff of answers that differ as real ones do.
//!
//! Run with `cargo bench --bench statistics`.

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;
use tokenscope::core::consensus::Consensus;
use tokenscope::core::diff::diff;
use tokenscope::core::diversity::{Agreement, Diversity};
use tokenscope::core::id::RunId;
use tokenscope::core::request::{Request, Sampling};
use tokenscope::core::run::Run;
use tokenscope::core::stream::{FinishReason, StreamEvent};
use tokenscope::core::time::Timestamp;
use tokenscope::core::token::{Piece, Token};

const ROUNDS: usize = 200;

const ENGLISH: [&str; 12] =
    [" the", " quiet", " morning", " bamboo", " and", " tea", ",", " slowly", " a", " panda", ".", " walks"];
const KOREAN: [&str; 12] =
    [" 아침", "에", " 대나무", "를", " 천천히", " 먹는", " 판다", "는", " 조용", "하다", ".", " 차를"];

/// Returns an answer of `tokens` tokens; one in `change` is another than in the answer before.
fn answer(words: &[&str; 12], tokens: usize, seed: usize, change: usize) -> Run {
    let request = Request {
        endpoint: "e".into(),
        model: "m".into(),
        messages: Vec::new(),
        sampling: Sampling::default(),
        continuation: None,
        stream: true,
    };
    let mut run = Run::new(RunId(1), Arc::new(request), Timestamp::default());
    for at in 0..tokens {
        let other = if (at * 31 + seed * 17).is_multiple_of(change) { seed } else { 0 };
        let text = words[(at * 7 + at / 5 + other) % words.len()];
        let token =
            Token { piece: Piece::new(text, None), logprob: Some(-0.5), candidates: Box::new([]), id: None };
        let delta = StreamEvent::Delta { text: text.to_owned(), tokens: vec![token] };
        run.apply(delta, Timestamp::default());
    }
    run.apply(StreamEvent::Finished(FinishReason::Stop), Timestamp::default());
    run
}

/// Prints the median time of some work.
fn measure<T>(what: &str, rounds: usize, work: impl Fn() -> T) {
    let mut times: Vec<_> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed()
        })
        .collect();
    times.sort();
    let _ = writeln!(std::io::stdout(), "{what:<58} {:>9.1} µs", times[rounds / 2].as_secs_f64() * 1e6);
}

fn main() {
    for (language, words) in [("English", &ENGLISH), ("Korean", &KOREAN)] {
        for (kind, change) in [("alike", 20), ("unlike", 1)] {
            let runs: Vec<Run> = (1..=4).map(|seed| answer(words, 200, seed, change)).collect();
            let texts: Vec<&str> = runs.iter().map(|run| run.text.as_str()).collect();
            let of = format!("4 × 200 tokens, {language}, {kind}");
            measure(&format!("statistics of {of}"), ROUNDS, || Diversity::of(&runs));
            let refs: Vec<&Run> = runs.iter().collect();
            measure(&format!("consensus of {of}"), ROUNDS, || Consensus::of_runs(&refs));
            measure(&format!("diff of two, 200 tokens, {language}, {kind}"), ROUNDS, || {
                diff(texts[0], texts[1])
            });
        }
    }
    let long: Vec<Run> = (1..=2).map(|seed| answer(&ENGLISH, 10_000, seed, 1)).collect();
    measure("statistics of 2 × 10,000 tokens, unlike", 5, || Diversity::of(&long));
    measure("diff of 2 × 10,000 tokens, unlike", 5, || diff(&long[0].text, &long[1].text));
    let many: Vec<Run> = (1..=100).map(|seed| answer(&ENGLISH, 200, seed, 3)).collect();
    measure("statistics of 100 × 200 tokens", 5, || Diversity::of(&many));
    let json: Vec<String> = (0..4)
        .map(|seed| {
            let fields: Vec<String> =
                (0..40).map(|at| format!("\"field{at}\":\"{}\"", (at * seed) % 3)).collect();
            format!("{{{}}}", fields.join(","))
        })
        .collect();
    measure("agreement of 4 × 40 fields", ROUNDS, || Agreement::of(json.iter().map(String::as_str)));
}
