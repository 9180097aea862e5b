//! An answer with everything that is known of its tokens, as data.
//!
//! Owns the field names: those of `ask --json`, so that one program reads both, and what only `inspect`
//! knows besides. Figures have all their digits; what is not known is `null`; a range of tokens or bytes
//! is `[start, end]`, the end not included. Everything is counted from 0, as arrays are.

use super::inspection::{Excess, Inspection};
use crate::core::group::Group;
use crate::core::probability::{CloseCall, Position, Range, surprisal_bits};
use crate::core::provenance::Provenance;
use crate::core::reshaping::{ORDER, Refusal, Reshaping};
use crate::core::stream::Usage;
use crate::core::tipping::Tipping;
use crate::core::token::{Candidate, Token};
use crate::core::what_if::{Outcome, Share};
use crate::export::record::RunRecord;
use crate::structured::tree::Tree;
use serde::Serialize;
use std::ops::Range as Indices;

/// An answer, written down.
#[derive(Serialize)]
pub(super) struct InspectionRecord<'a> {
    #[serde(flatten)]
    run: RunRecord<'a, TokenRecord<'a>>,
    groups: Vec<GroupRecord<'a>>,
    close_calls: &'a [CloseCall],
    provenance: Provenance,
    vocabulary: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<RefusalRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    what_if: Option<QuestionRecord>,
    /// Where the candidates are more than a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    excess: Option<Excess>,
    alignment: AlignmentRecord<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    structured: Option<Tree>,
}

/// A token, written down.
#[derive(Serialize)]
pub(super) struct TokenRecord<'a> {
    index: usize,
    text: &'a str,
    bytes: Option<&'a [u8]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    logprob: Option<f64>,
    probability: Option<f64>,
    surprisal_bits: Option<f64>,
    rank: Option<usize>,
    margin_bits: Option<f64>,
    is_close_call: bool,
    unseen_tail: Option<f64>,
    entropy_bits_min: Option<f64>,
    entropy_bits_max: Option<f64>,
    tipping: Option<Tipping>,
    group: usize,
    text_bytes: [usize; 2],
    candidates: Vec<CandidateRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    what_if: Option<PositionRecord>,
}

/// A candidate, written down.
#[derive(Serialize)]
struct CandidateRecord<'a> {
    text: &'a str,
    bytes: Option<&'a [u8]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    logprob: Option<f64>,
    probability: Option<f64>,
    /// The mass of it and those before it in the list.
    cumulative: f64,
    is_chosen: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    what_if: Option<Share>,
}

/// Tokens joined to whole characters, written down.
#[derive(Serialize)]
struct GroupRecord<'a> {
    text: &'a str,
    tokens: [usize; 2],
    joint_logprob: Option<f64>,
    probability: Option<f64>,
    surprisal_bits: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    what_if: Option<Range>,
}

/// The what-if that was asked, written down.
#[derive(Serialize)]
struct QuestionRecord {
    #[serde(flatten)]
    reshaping: Reshaping,
    temperature_is_assumed: bool,
    order: [&'static str; 4],
    /// What it takes for granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<RefusalRecord>,
}

/// A reason not to answer, written down.
#[derive(Serialize)]
struct RefusalRecord {
    code: Refusal,
    message: &'static str,
}

/// A position reshaped, written down; its candidates' shares stand with them.
#[derive(Serialize)]
#[serde(untagged)]
enum PositionRecord {
    Refused { refusal: RefusalRecord },
    Reshaped { chosen: Share, tail: Range, is_exact: bool, is_wide: bool },
}

/// How text and tokens lie, written down.
#[derive(Serialize)]
struct AlignmentRecord<'a> {
    is_whole: bool,
    mismatches: Vec<MismatchRecord>,
    unmatched_tokens: usize,
    uncovered_bytes: usize,
    merged_tokens: &'a [usize],
}

#[derive(Serialize)]
struct MismatchRecord {
    tokens: [usize; 2],
    text_bytes: [usize; 2],
}

impl From<Refusal> for RefusalRecord {
    fn from(code: Refusal) -> Self {
        Self { code, message: code.sentence() }
    }
}

fn ends(range: &Indices<usize>) -> [usize; 2] {
    [range.start, range.end]
}

impl<'a> InspectionRecord<'a> {
    /// Returns an answer written down. `usage` is what the provider reported or what was estimated.
    pub(super) fn new(inspection: &'a Inspection<'a>, usage: Option<Usage>) -> Self {
        let run = inspection.run;
        let mut tokens = Vec::with_capacity(run.tokens.len());
        for (number, group) in inspection.groups.iter().enumerate() {
            tokens.extend(group.tokens.clone().map(|index| TokenRecord::new(inspection, index, number)));
        }
        let alignment = run.alignment();
        Self {
            run: RunRecord::with_tokens(run, usage, inspection.shape, tokens),
            groups: inspection.groups.iter().map(|group| GroupRecord::new(inspection, group)).collect(),
            close_calls: &inspection.close_calls,
            provenance: inspection.meaning.provenance,
            vocabulary: inspection.meaning.vocabulary,
            refusal: inspection.meaning.source.err().map(RefusalRecord::from),
            what_if: inspection.asked.map(|asked| QuestionRecord {
                reshaping: asked.reshaping,
                temperature_is_assumed: asked.is_temperature_assumed,
                order: ORDER,
                warning: inspection.assumption(),
                refusal: asked.what_if.err().map(RefusalRecord::from),
            }),
            excess: inspection.excess(),
            alignment: AlignmentRecord {
                is_whole: run.is_aligned(),
                mismatches: alignment
                    .mismatches()
                    .iter()
                    .map(|mismatch| MismatchRecord {
                        tokens: ends(&mismatch.tokens),
                        text_bytes: ends(&mismatch.text),
                    })
                    .collect(),
                unmatched_tokens: alignment.unmatched_tokens(),
                uncovered_bytes: alignment.uncovered_bytes(),
                merged_tokens: alignment.merged(),
            },
            structured: inspection.tree(),
        }
    }
}

impl<'a> TokenRecord<'a> {
    fn new(inspection: &'a Inspection<'a>, index: usize, group: usize) -> Self {
        let token = &inspection.run.tokens[index];
        let position = Position::new(token);
        let entropy = position.entropy_bits(inspection.meaning.vocabulary);
        let outcome = inspection.outcome(token);
        Self {
            index,
            text: token.piece.text(),
            bytes: token.piece.given_bytes(),
            id: token.id,
            logprob: token.logprob,
            probability: token.logprob.map(f64::exp),
            surprisal_bits: token.logprob.map(bits),
            rank: position.rank(),
            margin_bits: position.margin_bits(),
            is_close_call: position.is_close_call(),
            unseen_tail: position.tail(),
            entropy_bits_min: entropy.map(|range| range.min),
            entropy_bits_max: entropy.map(|range| range.max),
            tipping: inspection.meaning.tipping(token).ok(),
            group,
            text_bytes: ends(&inspection.run.span(index)),
            candidates: candidates(token, outcome.as_ref().and_then(|outcome| outcome.as_ref().ok())),
            what_if: outcome.map(|outcome| match outcome {
                Err(refusal) => PositionRecord::Refused { refusal: refusal.into() },
                Ok(outcome) => PositionRecord::Reshaped {
                    chosen: outcome.chosen,
                    tail: outcome.tail,
                    is_exact: outcome.is_exact(),
                    is_wide: outcome.is_wide(),
                },
            }),
        }
    }
}

/// Returns the surprisal; adding zero turns -0.0 into 0.0.
fn bits(logprob: f64) -> f64 {
    surprisal_bits(logprob) + 0.0
}

fn candidates<'a>(token: &'a Token, outcome: Option<&Outcome>) -> Vec<CandidateRecord<'a>> {
    let mut cumulative = 0.0;
    let mut record = |(at, candidate): (usize, &'a Candidate)| {
        let probability = candidate.logprob.map(f64::exp);
        cumulative += probability.unwrap_or(0.0);
        CandidateRecord {
            text: candidate.piece.text(),
            bytes: candidate.piece.given_bytes(),
            id: candidate.id,
            logprob: candidate.logprob,
            probability,
            cumulative,
            is_chosen: token.chosen() == Some(at),
            what_if: outcome.map(|outcome| outcome.candidates[at]),
        }
    };
    token.candidates.iter().enumerate().map(&mut record).collect()
}

impl<'a> GroupRecord<'a> {
    fn new(inspection: &Inspection<'_>, group: &'a Group) -> Self {
        let joint = inspection.run.joint_logprob(group.tokens.clone());
        Self {
            text: &group.text,
            tokens: ends(&group.tokens),
            joint_logprob: joint,
            probability: joint.map(f64::exp),
            surprisal_bits: joint.map(bits),
            what_if: inspection.joint_band(&inspection.run.tokens[group.tokens.clone()]),
        }
    }
}
