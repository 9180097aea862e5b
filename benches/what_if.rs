//! What reshaping a whole answer costs: 100,000 tokens with 20 candidates each.
//!
//! `cargo bench --bench what_if` prints the median and the worst of several rounds in milliseconds.
//! A frame has 16; the heat of the answer under a moving slider is asked for once a frame.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;
use tokenscope::core::ladder::Ladders;
use tokenscope::core::probability::{Position, ranked_close_calls};
use tokenscope::core::reshaping::{Reshaping, Source};
use tokenscope::core::strip::strip;
use tokenscope::core::tipping::Tipping;
use tokenscope::core::token::{Candidate, Piece, Token};
use tokenscope::core::what_if::WhatIf;

const TOKENS: usize = 100_000;
const CANDIDATES: usize = 20;
const VOCABULARY: usize = 199_998;
const ROUNDS: usize = 15;

/// Returns tokens from sure to open, every fifth of them not drawn from the first place.
fn answer() -> Vec<Token> {
    let mut state = 7u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 33).unwrap_or_default()) / f64::from(1u32 << 31)
    };
    (0..TOKENS)
        .map(|index| {
            let step = 0.1 + 3.0 * random() * random();
            let logits: Vec<f64> = (0..CANDIDATES).map(|_| random()).collect();
            let mut logprobs: Vec<f64> = Vec::with_capacity(CANDIDATES);
            let mut at = 0.0;
            for jitter in logits {
                logprobs.push(at);
                at -= step * (0.2 + jitter);
            }
            let sum: f64 = logprobs.iter().map(|logprob| logprob.exp()).sum::<f64>() * (1.0 + 0.05 * step);
            let candidates: Box<[Candidate]> = logprobs
                .iter()
                .zip('a'..)
                .map(|(logprob, name)| Candidate {
                    piece: Piece::new(format!(" {name}{index}"), None),
                    logprob: Some(logprob - sum.ln()),
                    id: None,
                })
                .collect();
            let chosen = &candidates[if index % 5 == 0 { 1 + index / 5 % 4 } else { 0 }];
            Token { piece: chosen.piece.clone(), logprob: chosen.logprob, candidates, id: None }
        })
        .collect()
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let tokens = answer();
    let ladders = Ladders::of(&tokens, VOCABULARY);
    let mut report = |name: &str, work: &mut dyn FnMut()| {
        let mut times: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                work();
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        writeln!(out, "{name:<44} median {:6.2} ms, worst {:6.2} ms", times[ROUNDS / 2], times[ROUNDS - 1])
    };
    report("read the answer once", &mut || {
        black_box(Ladders::of(&tokens, VOCABULARY).len());
    })?;
    let plain = Reshaping::default();
    let cases = [
        ("T 0.3", Reshaping { temperature: 0.3, ..plain }),
        ("T 1.5", Reshaping { temperature: 1.5, ..plain }),
        ("T 1.5, top_p 0.9", Reshaping { temperature: 1.5, top_p: Some(0.9), ..plain }),
        (
            "T 1.5, top_k 40, top_p 0.9, min_p 0.05",
            Reshaping { temperature: 1.5, top_k: Some(40), top_p: Some(0.9), min_p: Some(0.05) },
        ),
    ];
    for (name, reshaping) in cases {
        let Ok(what_if) = WhatIf::new(Source::BEFORE, reshaping, VOCABULARY) else { continue };
        report(&format!("{name}, laid out"), &mut || {
            for ladder in ladders.iter().flatten() {
                black_box(what_if.chosen_of(&ladder));
            }
        })?;
        report(&format!("{name}, from the tokens"), &mut || {
            for token in &tokens {
                black_box(what_if.chosen_band(token).ok());
            }
        })?;
    }
    report("T* of every token", &mut || {
        for ladder in ladders.iter().flatten() {
            black_box(Tipping::at(&ladder, Source::BEFORE));
        }
    })?;
    report("entropy of every token", &mut || {
        for token in &tokens {
            black_box(Position::new(token).entropy_bits(VOCABULARY));
        }
    })?;
    report("close calls, ranked", &mut || {
        black_box(ranked_close_calls(&tokens).len());
    })?;
    let values: Vec<Option<f64>> = tokens.iter().map(|token| token.logprob).collect();
    report("a strip of 120 cells", &mut || {
        black_box(strip(&values, 120).len());
    })
}
