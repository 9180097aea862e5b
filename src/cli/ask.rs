//! `ask`: one question, the answer as it arrives.

use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::input;
use crate::cli::interrupt::block_on;
use crate::cli::output::Output;
use crate::cli::session::{Answer, Session};
use crate::cli::shape;
use crate::core::figure::duration_ms;
use crate::core::run::{Run, RunStatus};
use crate::core::stream::{FinishReason, StreamEvent};
use crate::core::time::Timestamp;
use crate::export::record::{EventRecord, RunRecord};
use crate::structured::shape::Shape;

/// What is printed of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Its text, as it arrives.
    Text,
    /// One object at the end.
    Json,
    /// Each event as it happens.
    Events,
}

/// Asks and prints the answer.
pub(super) fn run(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let session = Session::new(flags, output)?;
    let shape = shape::asked(flags, output)?;
    let prompt = input::prompt(flags.own(), output)?;
    let form = match (flags.is_on("json"), flags.is_on("jsonl")) {
        (true, _) => Form::Json,
        (false, true) => Form::Events,
        (false, false) => Form::Text,
    };
    let mut printer =
        Printer { output, form, shape, shows_reasoning: flags.is_on("reasoning"), in_reasoning: false };
    block_on(async |interrupt| {
        let client = session.client(interrupt).await?;
        let mut request = session.request(prompt, form != Form::Text, interrupt).await?;
        request.sampling.response_format = printer.shape.format();
        let each = |event: &StreamEvent, now: Timestamp| printer.event(event, now);
        let answer = session.ask_one(&client, request, interrupt, each).await?;
        printer.end(&answer)
    })
}

/// Prints an answer in its form.
struct Printer<'a> {
    output: &'a mut Output,
    form: Form,
    shape: Shape,
    shows_reasoning: bool,
    /// Whether reasoning was printed last.
    in_reasoning: bool,
}

impl Printer<'_> {
    fn event(&mut self, event: &StreamEvent, now: Timestamp) -> Result<(), Failure> {
        tell_retry(event, self.output);
        match self.form {
            Form::Events => {
                if let Some(record) = EventRecord::new(event, now) {
                    self.output.json(&record)?;
                    self.output.flush()?;
                }
            }
            Form::Text => match event {
                StreamEvent::Delta { text, .. } => {
                    self.end_reasoning();
                    self.output.stream(text)?;
                }
                StreamEvent::Reasoning { text } if self.shows_reasoning => {
                    self.in_reasoning = true;
                    self.output.reasoning(text);
                }
                StreamEvent::Attempt { .. }
                | StreamEvent::Retrying { .. }
                | StreamEvent::Opened { .. }
                | StreamEvent::Reasoning { .. }
                | StreamEvent::Usage(_)
                | StreamEvent::Exchanged(_)
                | StreamEvent::Limits(_)
                | StreamEvent::Finished(_)
                | StreamEvent::Failed(_) => {}
            },
            Form::Json => {}
        }
        Ok(())
    }

    fn end_reasoning(&mut self) {
        if std::mem::take(&mut self.in_reasoning) {
            self.output.end_reasoning();
        }
    }

    fn end(&mut self, answer: &Answer) -> Result<(), Failure> {
        self.end_reasoning();
        match self.form {
            Form::Text => {
                self.output.end_stream()?;
                tell_ending(&answer.run, self.output);
            }
            Form::Json => self.output.json(&RunRecord::new(&answer.run, answer.usage, &self.shape))?,
            Form::Events => {}
        }
        self.output.flush()?;
        outcome(&answer.run)?;
        shape::check(&self.shape, &answer.run, self.output)
    }
}

/// Says on standard error that a request is sent again.
pub(super) fn tell_retry(event: &StreamEvent, output: &mut Output) {
    if let StreamEvent::Retrying { fault, delay_ms } = event {
        #[expect(clippy::cast_precision_loss, reason = "delays are far below 2^52 ms")]
        let delay = duration_ms(*delay_ms as f64);
        output.note(&format!("note: {}; the next try follows in {delay}", fault.message));
    }
}

/// Says on standard error that an answer is not whole.
fn tell_ending(run: &Run, output: &mut Output) {
    let RunStatus::Done(reason) = &run.status else { return };
    match (reason, run.request.sampling.max_output_tokens) {
        (FinishReason::Stop, _) if run.text.is_empty() => output.note("note: the answer is empty"),
        (FinishReason::Stop, _) => {}
        (FinishReason::Length, Some(limit)) => {
            output
                .note(&format!("note: the answer reached the limit of {limit} tokens; --max-tokens sets it"));
        }
        (FinishReason::Length, None) => output.note("note: the answer reached the model's limit"),
        (FinishReason::Filter, _) => output.note("note: a content filter ended the answer"),
        (FinishReason::Tool, _) => output.note("note: the model asked for a tool, and there is none here"),
        (FinishReason::Other(name), _) => output.note(&format!("note: the answer ended with '{name}'")),
    }
}

/// Returns how the command ends after a run that ended.
pub(super) fn outcome(run: &Run) -> Result<(), Failure> {
    match &run.status {
        RunStatus::Done(_) => Ok(()),
        RunStatus::Failed(fault) => Err(Failure::Failed(fault.clone())),
        RunStatus::Queued
        | RunStatus::Connecting
        | RunStatus::Waiting { .. }
        | RunStatus::Streaming
        | RunStatus::Cancelled => Err(Failure::Interrupted),
    }
}
