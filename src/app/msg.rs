//! What can happen to the app ([`Msg`]) and what it wants done ([`Effect`]): plain data both ways.

use crate::app::archive::{ArchiveJob, ArchiveNews};
use crate::app::chord::Chord;
use crate::app::figures::Row;
use crate::check::{Answer, Check, Verdict};
use crate::core::cutting::Cutting;
use crate::core::diversity::Material;
use crate::core::fault::Fault;
use crate::core::id::{MessageId, RunId};
use crate::core::model::Encoding;
use crate::core::persona::Change;
use crate::core::probe::{Finding, Question, Subject};
use crate::core::request::{Prompt, Request};
use crate::core::stream::StreamEvent;
use crate::markup::LineTones;
use std::sync::Arc;
use std::time::Duration;

/// Cells of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// What the mouse did, in cells from the top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What it did.
    pub kind: MouseKind,
    /// Column.
    pub x: u16,
    /// Row.
    pub y: u16,
}

/// Kinds of mouse input that mean something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button went down.
    Press,
    /// The mouse moved while the left button was down.
    Drag,
    /// The wheel turned away from the user.
    WheelUp,
    /// The wheel turned towards the user.
    WheelDown,
}

/// Names a text whose tokens were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CountKey {
    /// A message that was typed or loaded.
    Message(MessageId),
    /// One variant of an answer.
    Answer(RunId),
    /// A question that Enter asks although nothing is typed, by its number.
    Offered(u32),
    /// A text that an axis puts in its place, by its hash.
    Value(u128),
}

/// Names a fenced code block of a shown text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodeKey {
    /// The text it stands in.
    pub text: DocumentKey,
    /// Its number in that text.
    pub block: usize,
}

/// Names a laid-out text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKey {
    /// A message that was typed or loaded.
    Message(MessageId),
    /// An answer.
    Run(RunId),
    /// The reasoning of an answer.
    Reasoning(RunId),
    /// The sentence under a failed answer.
    Fault(RunId),
}

/// Everything that can happen to the app.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// A key was pressed.
    Key(Chord),
    /// A text was pasted.
    Paste(String),
    /// The terminal has a new size.
    Resize(Size),
    /// The mouse did something.
    Mouse(Mouse),
    /// A step of a run.
    Run {
        /// The run it belongs to.
        run: RunId,
        /// The step.
        event: StreamEvent,
    },
    /// The tokens of the draft at a revision.
    DraftCounted {
        /// Revision of the draft that was counted.
        revision: u64,
        /// Its tokens.
        tokens: u64,
    },
    /// Tokens of messages under an encoding.
    Counted {
        /// The encoding they were counted with.
        encoding: Encoding,
        /// The counts.
        counts: Vec<(CountKey, u64)>,
    },
    /// The models of an endpoint, or why they could not be listed.
    Models {
        /// The endpoint asked.
        endpoint: Arc<str>,
        /// Its answer.
        result: Result<Vec<String>, Fault>,
    },
    /// Colours for complete lines of a code block.
    Highlighted {
        /// The block.
        key: CodeKey,
        /// First line they are for.
        from_line: usize,
        /// The tones, line by line.
        lines: Vec<LineTones>,
    },
    /// A text cut into tokens.
    TokensCut {
        /// Revision of the text.
        revision: u64,
        /// What its tokens are.
        cutting: Arc<Cutting>,
    },
    /// The statistics over the columns of a comparison.
    ColumnsSummed {
        /// Number under which they were asked for.
        number: u64,
        /// What they say.
        rows: Vec<Row>,
    },
    /// A step of a probe.
    Probed {
        /// Number of the probe.
        number: u64,
        /// The step.
        step: ProbeStep,
    },
    /// The text of a schema's file, or why it could not be read.
    SchemaRead {
        /// The file.
        path: String,
        /// Its text.
        result: Result<String, Fault>,
    },
    /// Something of the archive of comparisons.
    Archive(ArchiveNews),
    /// Answers were judged, but for what programs may still have to say.
    Judged {
        /// Number of the judging.
        number: u64,
        /// Sample, answer, and a verdict for each check.
        verdicts: Vec<(usize, RunId, Vec<Verdict>)>,
    },
    /// The draft came back from the external editor.
    Edited(Result<String, Fault>),
    /// Something the user should know.
    Notice(Fault),
    /// Time passed while something animates or a notice is shown.
    Tick,
    /// The process was asked to end, with this exit code.
    Quit(u8),
}

/// What happens in a probe.
#[derive(Debug, Clone, PartialEq)]
pub enum ProbeStep {
    /// A request is on its way.
    Asking {
        /// Requests that have ended.
        done: usize,
        /// What is being asked.
        question: Question,
        /// Number of the try.
        attempt: u32,
    },
    /// It is over: what was found out, or why nothing was.
    Ended(Result<Box<Finding>, Fault>),
}

/// What is to be judged.
#[derive(Debug, Clone, PartialEq)]
pub enum JudgeJob {
    /// Judge by these checks from here on; what was under way is of no use any more.
    Begin {
        /// Number of the judging.
        number: u64,
        /// The checks.
        checks: Vec<Check>,
        /// Whether the user allowed all programs they name.
        runs_programs: bool,
        /// How many programs run at once.
        lanes: usize,
    },
    /// Judge these answers.
    Answers {
        /// Number of the judging.
        number: u64,
        /// Sample, run and answer.
        answers: Vec<(usize, RunId, Answer)>,
    },
}

/// Everything the app can want done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a request; its events come back with the run's id.
    Start {
        /// The run.
        run: RunId,
        /// What to send.
        request: Arc<Request>,
        /// Longest wait for the first byte, and of each silence; `None` for the endpoint's.
        timeout: Option<Duration>,
    },
    /// Close the connection of a run.
    Cancel(RunId),
    /// Count the draft.
    CountDraft {
        /// Revision of the draft.
        revision: u64,
        /// Its text.
        text: String,
        /// With which vocabulary.
        encoding: Encoding,
    },
    /// Count messages.
    Count {
        /// With which vocabulary.
        encoding: Encoding,
        /// The texts.
        texts: Vec<(CountKey, Arc<str>)>,
    },
    /// Cut a text into the tokens of all vocabularies.
    CutTokens {
        /// Revision of the text.
        revision: u64,
        /// The text.
        text: Arc<str>,
    },
    /// Work the statistics over the columns of a comparison out.
    SumColumns {
        /// Number under which it is told.
        number: u64,
        /// What they are worked out from, an entry per column.
        columns: Vec<Option<Material<'static>>>,
    },
    /// Find out what a model really does, and keep it.
    Probe {
        /// Number of the probe.
        number: u64,
        /// The model, and where it is.
        subject: Subject,
    },
    /// Stop the probe that is under way.
    StopProbe,
    /// Ask an endpoint for its models.
    ListModels(Arc<str>),
    /// Read a schema's file for the form of the answers.
    ReadSchema(String),
    /// Something for the archive of comparisons.
    Archive(ArchiveJob),
    /// Judge answers by checks.
    Judge(JudgeJob),
    /// Colour lines of a code block.
    Highlight {
        /// The block.
        key: CodeKey,
        /// Its language as written.
        language: String,
        /// First of the lines.
        from_line: usize,
        /// The lines.
        text: String,
    },
    /// Put a text on the clipboard.
    Copy(String),
    /// Open the draft in `$EDITOR`.
    EditExternally(String),
    /// Keep the draft on disk, soon.
    KeepDraft(String),
    /// Keep what became of the user's own personas, soon.
    KeepPersonas(Vec<Change>),
    /// Keep the conversation on disk, soon.
    KeepConversation(Vec<Prompt>),
    /// Keep what follows as a new conversation.
    BeginConversation,
    /// Use another theme.
    UseTheme(String),
    /// Take or release the mouse.
    CaptureMouse(bool),
    /// Draw every cell anew.
    Redraw,
}

/// The effects of one message, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects(Vec<Effect>);

impl Effects {
    /// Returns no effects.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Returns one effect.
    #[must_use]
    pub fn one(effect: Effect) -> Self {
        Self(vec![effect])
    }

    /// Returns these effects followed by another.
    #[must_use]
    pub fn and(mut self, effect: Effect) -> Self {
        self.0.push(effect);
        self
    }

    /// Returns these effects followed by others.
    #[must_use]
    pub fn then(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }
}

impl From<Option<Effect>> for Effects {
    fn from(effect: Option<Effect>) -> Self {
        Self(effect.into_iter().collect())
    }
}

impl IntoIterator for Effects {
    type Item = Effect;
    type IntoIter = std::vec::IntoIter<Effect>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
