//! The conversation pane: which lines of which messages are on screen.
//!
//! Only what is on screen is laid out, from the anchor outwards, so neither opening nor resizing
//! nor drawing grows with the conversation. Invariant: the anchor is content (a message and a line
//! in it), so new tokens and resizes never move what the reader looks at.

use crate::app::command::{Command, Place};
use crate::app::documents::{Documents, Look};
use crate::app::keymap::Keymap;
use crate::app::layout::Rect;
use crate::app::msg::DocumentKey;
use crate::app::settings::Parameter;
use crate::core::conversation::{Body, Conversation, Message};
use crate::core::fault::{Fault, FaultKind};
use crate::core::id::{MessageId, RunId};
use crate::core::request::Role;
use crate::core::run::{Run, RunStatus};
use crate::core::time::Timestamp;
use std::collections::HashSet;

/// Where the view is tied to the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    /// The last line stays at the bottom.
    Follow,
    /// This line of this message stays at the top.
    Pinned { message: MessageId, line: usize },
}

/// What stands in one line of the pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Role and figures.
    Head,
    /// The line that folds the reasoning.
    ReasoningHead,
    /// A row of the reasoning.
    Reasoning(usize),
    /// A row of the text.
    Body(usize),
    /// What a run without text is doing.
    Status,
    /// A row of the fault's sentence.
    Fault(usize),
    /// The line between messages.
    Blank,
}

/// One line on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Index of the message.
    pub message: usize,
    /// What of it.
    pub part: Part,
}

/// How many lines each part of a message takes.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    reasoning_head: usize,
    reasoning: usize,
    body: usize,
    status: usize,
    fault: usize,
}

impl Parts {
    /// Returns the lines of the message with its head and the blank line after it.
    fn height(self) -> usize {
        self.before_body() + self.body + self.status + self.fault + 1
    }

    fn before_body(self) -> usize {
        1 + self.reasoning_head + self.reasoning
    }

    fn part(self, line: usize) -> Part {
        let mut at = line;
        for (count, part) in [
            (1, (|_| Part::Head) as fn(usize) -> Part),
            (self.reasoning_head, |_| Part::ReasoningHead),
            (self.reasoning, Part::Reasoning),
            (self.body, Part::Body),
            (self.status, |_| Part::Status),
            (self.fault, Part::Fault),
        ] {
            if at < count {
                return part(at);
            }
            at -= count;
        }
        Part::Blank
    }
}

/// State of the conversation pane.
#[derive(Debug)]
pub struct Transcript {
    /// The selected message, while one is.
    pub selected: Option<MessageId>,
    /// Lines that came since the view left the tail.
    pub unseen: usize,
    open_reasoning: HashSet<RunId>,
    anchor: Anchor,
    scroll: isize,
    reveal: Option<(MessageId, Option<usize>)>,
    seen: (usize, usize),
    lines: Vec<Line>,
}

impl Default for Transcript {
    fn default() -> Self {
        Self {
            selected: None,
            unseen: 0,
            open_reasoning: HashSet::new(),
            anchor: Anchor::Follow,
            scroll: 0,
            reveal: None,
            seen: (0, 0),
            lines: Vec::new(),
        }
    }
}

impl Transcript {
    /// Ties the view to the tail.
    pub fn follow(&mut self) {
        (self.anchor, self.scroll, self.reveal) = (Anchor::Follow, 0, None);
    }

    /// Whether the view follows the tail.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.anchor == Anchor::Follow
    }

    /// Scrolls by lines, down for positive numbers, when it is settled next.
    pub fn scroll(&mut self, lines: isize) {
        self.scroll = self.scroll.saturating_add(lines);
    }

    /// Goes to the first line.
    pub fn to_start(&mut self, conversation: &Conversation) {
        if let Some(first) = conversation.messages.first() {
            (self.anchor, self.scroll) = (Anchor::Pinned { message: first.id, line: 0 }, 0);
        }
    }

    /// Brings a message into view, or the row that shows a byte of it.
    pub fn reveal(&mut self, message: MessageId, byte: Option<usize>) {
        self.reveal = Some((message, byte));
    }

    /// Opens or folds the reasoning of a run.
    pub fn toggle_reasoning(&mut self, run: RunId) {
        if !self.open_reasoning.remove(&run) {
            self.open_reasoning.insert(run);
        }
    }

    /// Whether the reasoning of a run is open.
    #[must_use]
    pub fn is_reasoning_open(&self, run: RunId) -> bool {
        self.open_reasoning.contains(&run)
    }

    /// Returns the lines on screen from top to bottom.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Lays out what is on screen and clamps the position; `raw` shows answers as they came.
    pub fn settle(
        &mut self,
        conversation: &Conversation,
        documents: &mut Documents,
        area: Rect,
        raw: bool,
        keymap: &Keymap,
    ) {
        self.lines.clear();
        if conversation.messages.is_empty() || area.is_empty() {
            (self.anchor, self.scroll, self.reveal, self.unseen) = (Anchor::Follow, 0, None, 0);
            return;
        }
        let rows = usize::from(area.height);
        let messages = &conversation.messages;
        let mut measure =
            Measure { messages, documents, width: area.width, raw, open: &self.open_reasoning, keymap };
        let bottom = measure.top_for_bottom(rows);
        let was_following = self.anchor == Anchor::Follow;
        let mut top = match self.anchor {
            Anchor::Follow => bottom,
            Anchor::Pinned { message, line } => match conversation.position(message) {
                Some(index) => (index, line.min(measure.parts(index).height() - 1)),
                None => bottom,
            },
        };
        if let Some((message, byte)) = self.reveal.take()
            && let Some(index) = conversation.position(message)
        {
            let line = measure.line_of(index, byte);
            top = measure.top_that_shows(top, (index, line), rows);
        }
        top = measure.moved(top, std::mem::take(&mut self.scroll)).min(bottom);
        if top == bottom {
            (self.anchor, self.unseen) = (Anchor::Follow, 0);
        } else {
            self.anchor = Anchor::Pinned { message: messages[top.0].id, line: top.1 };
            let last = messages.len() - 1;
            if was_following {
                self.seen = (last, measure.parts(last).height());
            }
            let (seen, height) = self.seen;
            let seen = seen.min(last);
            let later: usize = (seen + 1..=last).map(|index| measure.parts(index).height()).sum();
            self.unseen = measure.parts(seen).height().saturating_sub(height) + later;
        }
        let (mut index, mut line) = top;
        while self.lines.len() < rows && index < messages.len() {
            let parts = measure.parts(index);
            let end = parts.height().min(line + rows - self.lines.len());
            self.lines.extend((line..end).map(|line| Line { message: index, part: parts.part(line) }));
            (index, line) = (index + 1, 0);
        }
    }
}

/// A line of the conversation: index of the message, line in it.
type Spot = (usize, usize);

/// Measures messages, laying them out as needed.
struct Measure<'a> {
    messages: &'a [Message],
    documents: &'a mut Documents,
    width: u16,
    raw: bool,
    open: &'a HashSet<RunId>,
    keymap: &'a Keymap,
}

impl Measure<'_> {
    fn parts(&mut self, index: usize) -> Parts {
        let message = &self.messages[index];
        let mut parts = Parts::default();
        let look = if self.raw || message.role != Role::Assistant { Look::Raw } else { Look::Rendered };
        let text = message.text();
        if !text.is_empty() {
            parts.body = self.documents.lay_out(body_key(message), text, self.width, look).row_count();
        }
        if let Some(run) = message.run() {
            if !run.reasoning.is_empty() {
                parts.reasoning_head = 1;
                if self.open.contains(&run.id) {
                    let key = DocumentKey::Reasoning(run.id);
                    parts.reasoning =
                        self.documents.lay_out(key, &run.reasoning, self.width, Look::Raw).row_count();
                }
            }
            if let Some(sentence) = fault_sentence(run, self.keymap, Place::Composer) {
                let key = DocumentKey::Fault(run.id);
                parts.fault = self.documents.lay_out(key, &sentence, self.width, Look::Raw).row_count();
            } else if text.is_empty() {
                parts.status = 1;
            }
        }
        parts
    }

    /// Returns the line of a message that shows a byte of its text; its head without a byte.
    fn line_of(&mut self, index: usize, byte: Option<usize>) -> usize {
        let parts = self.parts(index);
        match (byte, self.documents.get(body_key(&self.messages[index]))) {
            (Some(byte), Some(document)) => {
                parts.before_body() + document.row_at(byte).min(parts.body.saturating_sub(1))
            }
            _ => 0,
        }
    }

    /// Returns the top line that puts the last line of text at the bottom.
    fn top_for_bottom(&mut self, rows: usize) -> Spot {
        let mut above = rows;
        for index in (0..self.messages.len()).rev() {
            // The blank line after the last message is not worth a row.
            let blank = usize::from(index + 1 == self.messages.len());
            let height = self.parts(index).height() - blank;
            if height >= above {
                return (index, height - above);
            }
            above -= height;
        }
        (0, 0)
    }

    /// Returns the line `lines` further down, or up for a negative number, within the conversation.
    fn moved(&mut self, from: Spot, lines: isize) -> Spot {
        let (mut index, mut line) = from;
        let mut left = lines.unsigned_abs();
        if lines < 0 {
            while left > line {
                if index == 0 {
                    return (0, 0);
                }
                left -= line + 1;
                index -= 1;
                line = self.parts(index).height() - 1;
            }
            return (index, line - left);
        }
        while left > 0 {
            let below = self.parts(index).height() - 1 - line;
            if left <= below {
                return (index, line + left);
            }
            if index + 1 == self.messages.len() {
                return (index, line + below);
            }
            left -= below + 1;
            (index, line) = (index + 1, 0);
        }
        (index, line)
    }

    /// Returns a top line from which `wanted` is on screen: `top` if it already is, else one that
    /// leaves a third of the screen above it.
    fn top_that_shows(&mut self, top: Spot, wanted: Spot, rows: usize) -> Spot {
        let end = self.moved(top, isize::try_from(rows).unwrap_or(isize::MAX) - 1);
        if (top..=end).contains(&wanted) {
            return top;
        }
        let third = isize::try_from(rows / 3).unwrap_or(0);
        self.moved(wanted, if wanted.1 == 0 { 0 } else { -third })
    }
}

/// Returns the command that helps after a fault, and what it does.
fn way_out(fault: &Fault, place: Place) -> Option<(Command, &'static str)> {
    let again = if place == Place::Grid { Command::RetryCell } else { Command::Again };
    match (fault.kind, fault.param.as_deref()) {
        (_, Some("model")) => Some((Command::ChooseModel, "lists the models")),
        // A redirect is a matter of the base URL.
        (FaultKind::NotFound, _) if fault.status == Some(404) => {
            Some((Command::ChooseModel, "lists the models"))
        }
        (FaultKind::Refused, Some(param)) if is_parameter(param) => {
            Some((Command::EditParameters, "sets the parameters"))
        }
        (
            FaultKind::Unreachable
            | FaultKind::Timeout
            | FaultKind::RateLimited
            | FaultKind::Server
            | FaultKind::Cut
            | FaultKind::Malformed,
            _,
        ) => Some((again, "asks again")),
        (FaultKind::Unauthorized | FaultKind::Quota, _) => {
            Some((Command::ChooseEndpoint, "chooses another endpoint"))
        }
        (FaultKind::NotFound | FaultKind::Refused | FaultKind::Local, _) => None,
    }
}

/// Whether a name on the wire is of a parameter that can be set in the workbench.
fn is_parameter(name: &str) -> bool {
    matches!(name, "logprobs" | "max_tokens" | "max_completion_tokens")
        || Parameter::ALL.iter().any(|own| own.name() == name && *own != Parameter::Timeout)
}

/// Returns the name of a message's laid-out text.
#[must_use]
pub fn body_key(message: &Message) -> DocumentKey {
    match &message.body {
        Body::Text(_) => DocumentKey::Message(message.id),
        Body::Answer(answer) => DocumentKey::Run(answer.chosen().id),
    }
}

/// Silence of a server that is worth a clock, in milliseconds.
const SILENCE_MS: f64 = 2000.0;

/// Returns how long nothing came of an answer that is arriving, in milliseconds, once that is long.
#[must_use]
pub fn silence_ms(run: &Run, now: Timestamp) -> Option<f64> {
    let silence = run.elapsed_ms(now) - run.total_ms()?;
    (run.status == RunStatus::Streaming && silence > SILENCE_MS).then_some(silence)
}

/// Returns what is shown under an answer that failed: what happened, what to do, and the key for it in a
/// place, where one helps.
#[must_use]
pub fn fault_sentence(run: &Run, keymap: &Keymap, place: Place) -> Option<String> {
    match &run.status {
        RunStatus::Failed(fault) => {
            let mut sentence = fault.to_string();
            if !sentence.ends_with(['.', '!', '?', '。']) {
                sentence.push('.');
            }
            if let Some((command, effect)) = way_out(fault, place)
                && let Some(key) = keymap.hint(command, place)
            {
                sentence.push_str(&format!(" {key} {effect}."));
            }
            Some(sentence)
        }
        RunStatus::Queued
        | RunStatus::Connecting
        | RunStatus::Waiting { .. }
        | RunStatus::Streaming
        | RunStatus::Done(_)
        | RunStatus::Cancelled => None,
    }
}
