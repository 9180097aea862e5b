//! `inspect`: the tokens of one answer with their probabilities, as a table a person can read.
//!
//! Owns the table's form; the numbers are those of `core`. Tokens that hold part of a character are
//! joined to whole characters, with the number of pieces beside them.

use crate::cli::ask::{outcome, tell_retry};
use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::input;
use crate::cli::interrupt::block_on;
use crate::cli::output::Output;
use crate::cli::record::RunRecord;
use crate::cli::session::Session;
use crate::cli::table::{Align, Table};
use crate::core::fault::{Fault, FaultKind};
use crate::core::figure;
use crate::core::probability::{Position, surprisal_bits};
use crate::core::provenance::{Basis, Provenance, Stage};
use crate::core::run::{Count, Run};
use crate::core::stream::StreamEvent;
use crate::core::text::{fit, visible};
use crate::core::time::Timestamp;
use crate::core::token::{Candidate, Group, Piece, Token, groups};

/// Candidates per token where neither flag nor configuration says how many.
const TOP: u8 = 5;

/// Most cells of a token in the table; longer ones are runs of white space or of one sign.
const TOKEN_CELLS: usize = 24;

/// Most pieces one character comes in: its bytes.
const LONGEST: usize = 4;

/// Stands where there is no figure.
const NONE: &str = "–";

/// Asks and prints the table.
pub(super) fn run(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let mut session = Session::new(flags, output)?;
    let prompt = input::prompt(flags.own(), output)?;
    block_on(async |interrupt| {
        let client = session.client(interrupt).await?;
        let mut request = session.request(prompt, true, interrupt).await?;
        // The table is what was asked for, whatever is known of the model: the server has the last word.
        request.sampling.top_logprobs =
            request.sampling.top_logprobs.or(session.config.sampling.top_logprobs).or(Some(TOP));
        let mut tokens = 0u64;
        let each = |event: &StreamEvent, _: Timestamp| {
            tell_retry(event, output);
            if let StreamEvent::Delta { tokens: new, .. } = event {
                tokens += new.len() as u64;
                output.progress(&format!("{} tokens", figure::whole(tokens)));
            }
            Ok(())
        };
        let answer = session.ask_one(&client, request, interrupt, each).await?;
        output.clear_progress();
        if flags.is_on("json") {
            output.json(&RunRecord::from(&answer))?;
        } else if answer.run.has_logprobs() {
            print(&answer.run, session.provenance(&answer.run), output)?;
        } else {
            output.lines(&answer.run.text)?;
        }
        output.flush()?;
        outcome(&answer.run)?;
        if answer.run.has_logprobs() { Ok(()) } else { Err(Failure::Failed(without_logprobs(&answer.run))) }
    })
}

fn without_logprobs(run: &Run) -> Fault {
    let (model, endpoint) = (&run.request.model, &run.request.endpoint);
    let message = format!("Model {model} at endpoint {endpoint} sent no token probabilities");
    Fault::new(FaultKind::Refused, message)
        .remedy("Choose a model that gives logprobs, such as gpt-4o-mini, or the sandbox")
}

/// Prints the table and what can be said of the whole answer.
fn print(run: &Run, provenance: Provenance, output: &mut Output) -> Result<(), Failure> {
    let mut table = Table::new(&["#", "token", "probability", "surprisal", "rank", "candidates"]);
    for group in groups(&run.tokens) {
        table.row(row(&group, &run.tokens[group.tokens.clone()]));
    }
    let mut aligns = vec![Align::Right, Align::Left, Align::Right, Align::Right, Align::Right];
    let candidates = run.tokens.iter().map(|token| token.candidates.len()).max().unwrap_or(0).max(LONGEST);
    aligns.extend([Align::Left, Align::Right].repeat(candidates));
    for line in table.lines(&aligns) {
        output.line(&line)?;
    }
    output.line("")?;
    output.line(&summary(run))?;
    output.line(&origin(run, provenance))
}

/// Returns the cells of one row: a token, or the pieces of one character.
fn row(group: &Group, tokens: &[Token]) -> Vec<String> {
    let [token] = tokens else { return joined(group, tokens) };
    let position = Position::new(token);
    let mut cells = vec![
        (group.tokens.start + 1).to_string(),
        shown(&token.piece),
        probability(token.logprob),
        surprisal(token.logprob),
        position.rank().map_or(NONE.to_owned(), |rank| rank.to_string()),
    ];
    cells.extend(token.candidates.iter().flat_map(|candidate| alternative(candidate, token)));
    cells
}

/// Returns the cells of a character whose bytes came in several tokens: the probability is that of all
/// of them in a row, and what else there might have been stands with each piece.
fn joined(group: &Group, tokens: &[Token]) -> Vec<String> {
    let logprob = tokens.iter().map(|token| token.logprob).sum::<Option<f64>>();
    let pieces = format!("{} ×{}", fit(&visible(&group.text), TOKEN_CELLS), tokens.len());
    let mut cells = vec![
        format!("{}–{}", group.tokens.start + 1, group.tokens.end),
        pieces,
        probability(logprob),
        surprisal(logprob),
        NONE.to_owned(),
    ];
    cells.extend(
        tokens.iter().flat_map(|token| [format!(" {}", shown(&token.piece)), probability(token.logprob)]),
    );
    cells
}

/// Returns a candidate and its probability; the chosen one has a mark.
fn alternative(candidate: &Candidate, chosen: &Token) -> [String; 2] {
    let mark = if candidate.piece.bytes() == chosen.piece.bytes() { "▸" } else { " " };
    [format!("{mark}{}", shown(&candidate.piece)), probability(candidate.logprob)]
}

/// Returns a token as it can be seen: white space as signs, bytes that are no character in hex.
fn shown(piece: &Piece) -> String {
    match std::str::from_utf8(piece.bytes()) {
        Ok("") => "∅".to_owned(),
        Ok(text) => fit(&visible(text), TOKEN_CELLS),
        Err(_) => {
            let mut hex = String::new();
            for byte in piece.bytes() {
                hex.push_str(&format!("\\x{byte:02X}"));
            }
            fit(&hex, TOKEN_CELLS)
        }
    }
}

fn probability(logprob: Option<f64>) -> String {
    logprob.map_or(NONE.to_owned(), |logprob| figure::percent(logprob.exp()))
}

fn surprisal(logprob: Option<f64>) -> String {
    logprob.map_or(NONE.to_owned(), |logprob| figure::bits(surprisal_bits(logprob)))
}

/// Returns what can be said of the whole answer.
fn summary(run: &Run) -> String {
    let tally = run.tally();
    let mut parts = vec![format!("{} tokens", figure::count(Count::Exact(run.tokens.len() as u64)))];
    if tally.count() < run.tokens.len() {
        parts.push(format!("{} with a probability", figure::whole(tally.count() as u64)));
    }
    parts.extend(tally.perplexity().map(|value| format!("perplexity {}", figure::perplexity(value))));
    parts.extend(tally.mean_surprisal_bits().map(|value| format!("mean surprisal {}", figure::bits(value))));
    parts.join(" · ")
}

/// Returns what the probabilities are: of which model, from how many candidates, before or after
/// temperature where that is known.
fn origin(run: &Run, provenance: Provenance) -> String {
    let most = run.tokens.iter().map(|token| token.candidates.len()).max().unwrap_or(0);
    let least = run.tokens.iter().map(|token| token.candidates.len()).min().unwrap_or(0);
    let candidates = if least == most { most.to_string() } else { format!("{least} to {most}") };
    let mut parts = vec![
        format!("{} at {}", fit(&run.request.model, 80), fit(&run.request.endpoint, 80)),
        format!("{candidates} candidates per token returned"),
    ];
    let temperature = run.request.sampling.temperature.map(figure::parameter);
    let applied = temperature.map_or("temperature".to_owned(), |value| format!("temperature {value}"));
    let side = match provenance.stage {
        Stage::BeforeTemperature => "before",
        Stage::AfterTemperature => "after",
    };
    match provenance.basis {
        Basis::Assumed => {}
        Basis::Documented => parts.push(format!("{side} {applied}")),
        Basis::Probed | Basis::Configured => {
            parts.push(format!("{side} {applied} ({})", provenance.basis.name()));
        }
    }
    parts.join(" · ")
}
