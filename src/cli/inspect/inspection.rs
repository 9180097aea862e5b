//! One answer as `inspect` shows it, whatever the form: what its values mean, what is asked of them,
//! and what stands at each token.
//!
//! Owns no form and no wording of a form. The numbers are those of `core`; each is computed when a form
//! asks for it, so that a table does not pay for what only JSON holds.

use super::Wish;
use crate::core::cut::Fate;
use crate::core::figure;
use crate::core::group::{Group, groups};
use crate::core::meaning::Meaning;
use crate::core::probability::{CloseCall, Position, Range, ranked_close_calls};
use crate::core::request::ResponseFormat;
use crate::core::reshaping::{Refusal, Reshaping};
use crate::core::run::Run;
use crate::core::text::{fit, visible};
use crate::core::token::{Piece, Token};
use crate::core::what_if::{Outcome, WhatIf};
use crate::structured::document::Document;
use crate::structured::shape::Shape;
use crate::structured::tree::Tree;
use serde::Serialize;

/// Stands where there is no figure.
pub(super) const NONE: &str = "–";

/// Most cells of a token in a form for people; longer ones are runs of white space or of one sign.
const TOKEN_CELLS: usize = 24;

/// From here on the candidates of a position are more than a whole; less is what servers round.
const OVER_WHOLE: f64 = 1.01;

/// A what-if that was asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// The parameters.
    pub(super) reshaping: Reshaping,
    /// Whether its temperature is neither asked about nor known of the answer.
    pub(super) is_temperature_assumed: bool,
    /// The question, or why these values have no answer to it.
    pub(super) what_if: Result<WhatIf, Refusal>,
}

/// Positions whose candidates are more than a whole, which no probabilities are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Excess {
    /// At how many tokens.
    pub(super) tokens: usize,
    /// The largest sum of candidates, 1 for a whole.
    pub(super) most: f64,
}

/// One answer, ready to be shown.
pub(super) struct Inspection<'a> {
    /// The answer.
    pub(super) run: &'a Run,
    /// What its values stand for.
    pub(super) meaning: Meaning,
    /// What is asked of them.
    pub(super) asked: Option<Asked>,
    /// The form it was asked to have.
    pub(super) shape: &'a Shape,
    /// Whether its probabilities are those after the mask of a grammar.
    pub(super) is_after_mask: bool,
    /// Most candidates shown to people for one token.
    pub(super) top: usize,
    /// Its tokens, joined to whole characters.
    pub(super) groups: Vec<Group>,
    /// The command that finds out where its values stand.
    pub(super) finds_out: String,
    /// Its close calls, the closest first.
    pub(super) close_calls: Vec<CloseCall>,
}

impl<'a> Inspection<'a> {
    /// Returns an answer, ready to be shown with what is asked of it. `finds_out` is the command that
    /// finds out where its values stand.
    pub(super) fn new(
        run: &'a Run,
        meaning: Meaning,
        wish: &'a Wish,
        is_after_mask: bool,
        finds_out: String,
    ) -> Self {
        let temperature = run.request.sampling.temperature;
        let asked = wish.question.map(|question| {
            let reshaping = question.of(temperature.unwrap_or(1.0));
            let is_temperature_assumed = question.temperature.is_none() && temperature.is_none();
            Asked { reshaping, is_temperature_assumed, what_if: meaning.what_if(reshaping) }
        });
        Self {
            run,
            meaning,
            asked,
            shape: &wish.shape,
            is_after_mask,
            top: wish.top.map_or(usize::MAX, usize::from),
            finds_out,
            groups: groups(&run.tokens),
            close_calls: ranked_close_calls(&run.tokens),
        }
    }

    /// Returns the what-if, if one is asked that has an answer.
    pub(super) fn what_if(&self) -> Option<WhatIf> {
        self.asked.and_then(|asked| asked.what_if.ok())
    }

    /// Returns a token's position reshaped.
    pub(super) fn outcome(&self, token: &Token) -> Option<Result<Outcome, Refusal>> {
        self.what_if().map(|what_if| what_if.outcome(token))
    }

    /// Returns the interval in which the joint probability of tokens in a row would lie; `None` where
    /// nothing is asked or one of them has no answer.
    pub(super) fn joint_band(&self, tokens: &[Token]) -> Option<Range> {
        let what_if = self.what_if()?;
        tokens.iter().try_fold(Range::point(1.0), |joint, token| {
            let band = what_if.chosen_band(token).ok()?;
            Some(Range { min: joint.min * band.min, max: joint.max * band.max })
        })
    }

    /// Returns the answer's values, where it is JSON or was asked to be.
    pub(super) fn tree(&self) -> Option<Tree> {
        let is_asked = match self.run.request.sampling.response_format {
            Some(ResponseFormat::JsonObject | ResponseFormat::JsonSchema { .. }) => true,
            Some(ResponseFormat::Text) | None => !matches!(self.shape, Shape::Text),
        };
        let after_mask = self.is_after_mask && self.run.request.sampling.response_format.is_some();
        let document = Document::read(&self.run.text);
        let is_container = document.nodes.first().is_some_and(|root| root.kind.is_container());
        // Prose may begin with a bracket; JSON that was cut goes wrong at its end.
        let is_json = document.is_complete() || document.fault.as_ref().is_some_and(|fault| fault.is_cut);
        (is_asked || (is_container && is_json))
            .then(|| Tree::new(&self.run.text, &self.run.tokens, self.shape.schema(), after_mask))
    }

    /// Returns of how many chosen tokens the what-if is exact, and how many it cuts.
    pub(super) fn exact_and_cut(&self) -> (usize, usize) {
        let Some(what_if) = self.what_if() else { return (0, 0) };
        let (mut exact, mut cut) = (0, 0);
        for outcome in self.run.tokens.iter().filter_map(|token| what_if.outcome(token).ok()) {
            exact += usize::from(outcome.chosen.band.is_point());
            cut += usize::from(outcome.chosen.fate == Fate::Cut);
        }
        (exact, cut)
    }

    /// Returns what can be said of the whole answer.
    pub(super) fn summary(&self) -> String {
        let (run, tally) = (self.run, self.run.tally());
        let mut parts = vec![figure::counted(run.tokens.len(), "token")];
        if tally.count() < run.tokens.len() {
            parts.push(format!("{} with a probability", figure::whole(tally.count() as u64)));
        }
        parts.extend(tally.perplexity().map(|value| format!("perplexity {}", figure::perplexity(value))));
        parts.extend(
            tally.mean_surprisal_bits().map(|value| format!("mean surprisal {}", figure::bits(value))),
        );
        parts.push(figure::counted(self.close_calls.len(), "close call"));
        parts.join(" · ")
    }

    /// Returns what the probabilities are: of which model, from how many candidates, before or after
    /// temperature and how that is known.
    pub(super) fn origin(&self) -> String {
        let run = self.run;
        let counts = || run.tokens.iter().map(|token| token.candidates.len());
        let (least, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
        let candidates = figure::counted(most, "candidate");
        let candidates = if least == most { candidates } else { format!("{least} to {candidates}") };
        let mut parts = vec![
            format!("{} at {}", fit(&run.request.model, 80), fit(&run.request.endpoint, 80)),
            format!("{candidates} per token returned"),
            self.meaning.provenance.to_string(),
        ];
        if run.request.model.is_empty() {
            parts[0] = format!("from {}", fit(&run.request.endpoint, 80));
        }
        parts.extend(
            run.request.sampling.temperature.map(|value| format!("asked at T {}", figure::parameter(value))),
        );
        parts.join(" · ")
    }

    /// Returns the line about the what-if; `None` where nothing is asked.
    pub(super) fn question(&self) -> Option<String> {
        let asked = self.asked?;
        if let Err(refusal) = asked.what_if {
            return Some(format!("what if {}: refused, {refusal}", asked.reshaping));
        }
        let (exact, cut) = self.exact_and_cut();
        let tokens = figure::counted(self.run.tokens.len(), "chosen token");
        let assumed = if asked.is_temperature_assumed { " · T assumed 1.0" } else { "" };
        Some(format!("what if {}{assumed} · of {tokens} {exact} exact, {cut} cut", asked.reshaping))
    }

    /// Returns what the what-if takes for granted, what would be otherwise, and how to find out; `None`
    /// where nothing is, or where it makes no difference.
    pub(super) fn assumption(&self) -> Option<String> {
        let sampling = &self.run.request.sampling;
        self.what_if().filter(|_| self.meaning.rests_on_assumption(sampling))?;
        let after = match sampling.temperature {
            Some(value) => format!("T {}", figure::parameter(value)),
            None => "a temperature that is not known".to_owned(),
        };
        Some(format!(
            "≈ the what-if assumes values before temperature: if the server gives them after {after}, the truth \
             may lie outside its figures; {} finds out",
            self.finds_out
        ))
    }

    /// Returns where the candidates are more than a whole.
    pub(super) fn excess(&self) -> Option<Excess> {
        let masses = self.run.tokens.iter().map(|token| Position::new(token).mass());
        let over = masses.filter(|mass| *mass > OVER_WHOLE);
        over.fold(None, |excess: Option<Excess>, mass| {
            let (tokens, most) = excess.map_or((0, 0.0), |excess| (excess.tokens, excess.most));
            Some(Excess { tokens: tokens + 1, most: mass.max(most) })
        })
    }

    /// Returns everything that has to be said below the figures, a sentence a line.
    pub(super) fn notes(&self) -> Vec<String> {
        let excess = self.excess().map(|excess| {
            format!(
                "≈ at {} the candidates add up to more than a whole, {} at most: these values are no \
                 probabilities",
                figure::counted(excess.tokens, "token"),
                figure::percent(excess.most)
            )
        });
        self.question().into_iter().chain(self.assumption()).chain(excess).chain(self.mismatches()).collect()
    }

    /// Returns sentences about what does not match between text and tokens.
    fn mismatches(&self) -> Vec<String> {
        let alignment = self.run.alignment();
        let of = |tokens| figure::counted(tokens, "token");
        let mut lines = Vec::new();
        if self.run.tokens.is_empty() {
            return lines;
        }
        let tokens = alignment.unmatched_tokens();
        if tokens > 0 {
            lines.push(format!("≈ {} reported with other text than the answer has there", of(tokens)));
        }
        let bytes = alignment.uncovered_bytes();
        if bytes > 0 {
            lines.push(format!(
                "≈ for {} of the answer no token was reported",
                figure::counted(bytes, "byte")
            ));
        }
        let merged = alignment.merged().len();
        if merged > 0 {
            lines.push(format!(
                "≈ {} with pieces the server left out before it, and the probability of the last piece alone",
                of(merged)
            ));
        }
        lines
    }
}

/// Returns a token as it can be seen, as on every surface: white space as signs, bytes that are no
/// character in hex.
pub(super) fn shown(piece: &Piece) -> String {
    if piece.bytes().is_empty() { "∅".to_owned() } else { shown_text(&piece.shown()) }
}

/// Returns a text as it can be seen, cut to the width of a token.
pub(super) fn shown_text(text: &str) -> String {
    fit(&visible(text), TOKEN_CELLS)
}

/// Returns a probability in percent.
pub(super) fn probability(logprob: Option<f64>) -> String {
    logprob.map_or(NONE.to_owned(), |logprob| figure::percent(logprob.exp()))
}

/// Returns how far the chosen token of a close call was ahead, with its sign.
pub(super) fn margin(call: &CloseCall) -> String {
    // Rounding to the digits shown and adding zero turns -0.00 into 0.00.
    let bits = (call.margin_bits * 100.0).round() / 100.0 + 0.0;
    format!("{bits:+.2} bits")
}

/// Returns the entropy of a token's position in bits, one figure where the range has no width to see.
pub(super) fn entropy(token: &Token, vocabulary: usize) -> String {
    let Some(range) = Position::new(token).entropy_bits(vocabulary) else { return NONE.to_owned() };
    let (low, high) = (figure::bits(range.min), figure::bits(range.max));
    if low == high { high } else { format!("{} – {high}", low.trim_end_matches(" bits")) }
}
