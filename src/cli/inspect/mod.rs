//! `inspect`: the tokens of one answer with their probabilities, asked for now or saved before.
//!
//! Owns the choice of the form and where it goes; each form has a file. The numbers are those of
//! `core`, so that every form and the workbench say the same of the same answer.

mod band;
mod csv;
mod html;
mod inspection;
mod json;
mod saved;
mod table;

use crate::cli::ask::{outcome, tell_retry};
use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::input;
use crate::cli::interrupt::block_on;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::shape;
use crate::config::is_after_mask;
use crate::core::fault::{Fault, FaultKind};
use crate::core::figure;
use crate::core::meaning::Meaning;
use crate::core::reshaping::Question;
use crate::core::run::Run;
use crate::core::stream::{StreamEvent, Usage};
use crate::core::time::Timestamp;
use crate::structured::shape::Shape;
use inspection::Inspection;
use json::InspectionRecord;
use std::path::PathBuf;

/// Candidates per token where neither flag nor configuration says how many.
const TOP: u8 = 5;

/// What is printed of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Table,
    CloseCalls,
    Json,
    Csv,
    Html,
}

impl Form {
    fn new(flags: &Flags<'_>) -> Self {
        let forms = [
            ("close-calls", Self::CloseCalls),
            ("json", Self::Json),
            ("csv", Self::Csv),
            ("html", Self::Html),
        ];
        forms.into_iter().find(|(flag, _)| flags.is_on(flag)).map_or(Self::Table, |(_, form)| form)
    }
}

/// What is asked of an answer, whether it is asked for now or saved.
struct Wish {
    form: Form,
    question: Option<Question>,
    shape: Shape,
    /// Most candidates shown to people for one token; `None` for all there are.
    top: Option<u8>,
}

/// Asks, or reads what was answered, and prints it in the form asked for.
pub(super) fn run(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let wish = Wish {
        form: Form::new(flags),
        question: flags.one("what-if"),
        shape: shape::asked(flags, output)?,
        top: flags.one("top"),
    };
    if let Some(path) = flags.one::<PathBuf>("out") {
        output.write_to(&path)?;
    }
    match flags.one::<PathBuf>("from") {
        Some(path) => {
            let saved = saved::read(flags, &path, output)?;
            let meaning = saved.known.meaning(&saved.run, saved.provenance);
            let finds_out = saved.known.probe_command(&saved.run, false);
            print(&saved.run, saved.run.usage, meaning, finds_out, &wish, output)
        }
        None => ask(flags, &wish, output),
    }
}

/// Asks and prints.
fn ask(flags: &Flags<'_>, wish: &Wish, output: &mut Output) -> Result<(), Failure> {
    let session = Session::new(flags, output)?;
    let prompt = input::prompt(flags.own(), output)?;
    block_on(async |interrupt| {
        let client = session.client(interrupt).await?;
        let mut request = session.request(prompt, true, interrupt).await?;
        // The table is what was asked for, whatever is known of the model: the server has the last word.
        request.sampling.top_logprobs =
            request.sampling.top_logprobs.or(session.known.config.sampling.top_logprobs).or(Some(TOP));
        request.sampling.response_format = wish.shape.format();
        let mut tokens = 0;
        let each = |event: &StreamEvent, _: Timestamp| {
            tell_retry(event, output);
            if let StreamEvent::Delta { tokens: new, .. } = event {
                tokens += new.len();
                output.progress(&figure::counted(tokens, "token"));
            }
            Ok(())
        };
        let answer = session.ask_one(&client, request, interrupt, each).await?;
        output.clear_progress();
        let meaning = session.known.meaning(&answer.run, None);
        let finds_out = session.known.probe_command(&answer.run, flags.is_given("base-url"));
        print(&answer.run, Some(answer.usage), meaning, finds_out, wish, output)
    })
}

/// Prints an answer, and fails if there is something that was asked for and is not in it.
fn print(
    run: &Run,
    usage: Option<Usage>,
    meaning: Meaning,
    finds_out: String,
    wish: &Wish,
    output: &mut Output,
) -> Result<(), Failure> {
    let inspection = Inspection::new(run, meaning, wish, is_after_mask(&run.request.endpoint), finds_out);
    let room = output.columns();
    match wish.form {
        Form::Json => output.json(&InspectionRecord::new(&inspection, usage))?,
        Form::Csv => output.lines(&self::csv::document(&inspection))?,
        Form::Html => output.lines(&html::document(&inspection))?,
        Form::Table | Form::CloseCalls if !run.has_logprobs() => output.lines(&run.text)?,
        Form::Table => output.own_lines(&table::tokens(&inspection, room))?,
        Form::CloseCalls => output.own_lines(&table::close_calls(&inspection, room))?,
    }
    // Rows alone have no place for it, and where data goes to a program a person should see it too.
    if let (Form::Json | Form::Csv, Some(assumption)) = (wish.form, inspection.assumption()) {
        output.note(&assumption);
    }
    output.flush()?;
    outcome(run)?;
    if !run.has_logprobs() {
        return Err(Failure::Failed(without_logprobs(run)));
    }
    if let Some(Err(refusal)) = inspection.asked.map(|asked| asked.what_if) {
        let message = format!("The what-if has no answer: {refusal}");
        return Err(Failure::Failed(Fault::new(FaultKind::Refused, message)));
    }
    shape::check(&wish.shape, run, output)
}

fn without_logprobs(run: &Run) -> Fault {
    let (model, endpoint) = (&run.request.model, &run.request.endpoint);
    if !run.sent() {
        return Fault::new(FaultKind::Local, "The saved answer has no token probabilities")
            .remedy("Ask with logprobs and top_logprobs set, and save that answer");
    }
    let message = format!("Model {model} at endpoint {endpoint} sent no token probabilities");
    Fault::new(FaultKind::Refused, message)
        .remedy("Choose a model that gives logprobs, such as gpt-4o-mini, or the sandbox")
}
