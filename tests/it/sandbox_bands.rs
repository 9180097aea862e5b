//! What the mathematics foretells of other temperatures and cuts is what the sandbox then does.

use std::collections::HashMap;
use std::sync::LazyLock;
use tokenscope::core::model::Encoding;
use tokenscope::core::probability::Range;
use tokenscope::core::reshaping::{Reshaping, Source};
use tokenscope::core::token::{Candidate, Piece, Token};
use tokenscope::core::what_if::{Outcome, WhatIf};
use tokenscope::sandbox::corpus;
use tokenscope::sandbox::model::{Generation, Model, Random, Settings, Speaker, Turn};
use tokenscope::tokenizer::table;

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::new(table(Encoding::O200kBase), corpus::embedded()));

/// Samples of one position.
const SAMPLES: u32 = 20_000;
/// Candidates that are known of it, as many as servers give.
const KNOWN: usize = 20;
/// Standard deviations a frequency may lie outside of a band: of hundreds, one does by chance in ten
/// thousand runs, and the seed is fixed.
const DEVIATIONS: f64 = 4.5;

/// Returns an answer after so many tokens of the likeliest one.
fn position(question: &str, after: usize, settings: Settings) -> Generation {
    let turns = [Turn::new(Speaker::User, question)];
    let greedy = Settings { temperature: 0.0, ..Settings::default() };
    let mut likeliest = MODEL.answer(&turns, greedy, Random::new(0));
    let beginning: Vec<u32> =
        std::iter::from_fn(|| likeliest.next(&MODEL, 0)).map(|choice| choice.token).take(after).collect();
    MODEL.resume(&turns, &beginning, settings, Random::new(20_000))
}

/// Returns the position as a client sees it, with the ids of the candidates.
fn seen(generation: &mut Generation) -> (Token, Vec<u32>) {
    let list = generation.distribution(&MODEL).top(KNOWN);
    let ids: Vec<u32> = list.iter().map(|(word, _)| MODEL.id(*word)).collect();
    // The end of the text has no bytes of its own; a name nothing else has will do.
    let piece = |id: &u32| Piece::new(format!("#{id}"), MODEL.bytes(*id).map(<[u8]>::to_vec));
    let candidates: Box<[Candidate]> = ids
        .iter()
        .zip(&list)
        .map(|(id, (_, p))| Candidate { piece: piece(id), logprob: Some(p.ln()), id: Some(*id) })
        .collect();
    let token = Token {
        piece: candidates[0].piece.clone(),
        logprob: candidates[0].logprob,
        id: candidates[0].id,
        candidates,
    };
    (token, ids)
}

#[track_caller]
fn assert_within(band: Range, count: u32, what: &str) {
    let share = f64::from(count) / f64::from(SAMPLES);
    // The last term is Bernstein's: few draws of a rare token are not spread like a bell.
    let slack = |p: f64| {
        DEVIATIONS * (p * (1.0 - p) / f64::from(SAMPLES)).sqrt()
            + DEVIATIONS * DEVIATIONS / (6.0 * f64::from(SAMPLES))
    };
    let (least, most) = (band.min - slack(band.min), band.max + slack(band.max));
    assert!(share >= least && share <= most, "{what}: {share} not in {band:?}");
}

/// Compares what is foretold of a position with what is drawn there.
fn check(question: &str, after: usize, reshaping: Reshaping) -> Outcome {
    let settings = Settings {
        temperature: reshaping.temperature,
        top_p: reshaping.top_p.unwrap_or(1.0),
        min_p: reshaping.min_p.unwrap_or(0.0),
        top_k: reshaping.top_k.map(|k| k as usize).filter(|k| *k > 0),
        ..Settings::default()
    };
    let mut generation = position(question, after, settings);
    let (token, ids) = seen(&mut generation);
    let what_if = WhatIf::new(Source::BEFORE, reshaping, MODEL.words().count()).unwrap();
    let outcome = what_if.outcome(&token).unwrap();
    let mut counts: HashMap<u32, u32> = HashMap::new();
    for drawn in generation.samples(&MODEL, SAMPLES as usize) {
        *counts.entry(drawn).or_default() += 1;
    }
    let count = |id: &u32| counts.get(id).copied().unwrap_or(0);
    for (id, share) in ids.iter().zip(&outcome.candidates) {
        assert_within(share.band, count(id), &format!("{question} after {after}, {reshaping:?}, token {id}"));
    }
    let unseen = SAMPLES - ids.iter().map(count).sum::<u32>();
    assert_within(outcome.tail, unseen, &format!("{question} after {after}, {reshaping:?}, the tail"));
    outcome
}

#[test]
fn frequencies_at_another_temperature_lie_in_the_bands() {
    let hot = Reshaping { temperature: 1.5, ..Reshaping::default() };
    let mut open = 0;
    for (question, after) in
        [("What is tea?", 0), ("What is tea?", 7), ("How is bread baked?", 2), ("고양이는 왜 골골거려요?", 3)]
    {
        let outcome = check(question, after, hot);
        open += usize::from(outcome.candidates[1].band.max > 0.05);
        assert!(!outcome.is_exact(), "the tail is not seen");
    }
    assert!(open >= 2, "{open} positions have a choice");
}

#[test]
fn frequencies_after_cuts_lie_in_the_bands() {
    for reshaping in [
        Reshaping { temperature: 1.5, top_p: Some(0.9), ..Reshaping::default() },
        Reshaping { temperature: 1.8, top_k: Some(4), ..Reshaping::default() },
        Reshaping { temperature: 2.0, min_p: Some(0.05), ..Reshaping::default() },
        Reshaping { temperature: 1.5, top_k: Some(12), top_p: Some(0.8), min_p: Some(0.02) },
    ] {
        check("How is bread baked?", 2, reshaping);
    }
}
