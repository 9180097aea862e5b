//! What the user sees and does, as plain state.
//!
//! [`App::update`] decides (messages in, effects out), [`App::settle`] measures. Neither does I/O,
//! reads a clock or draws a random number; the view only reads what they leave.
//!
//! Invariant: everything an effect answers carries the identifier of what it answers, and an answer
//! whose identifier is no longer current is dropped.

pub mod archive;
pub mod chord;
pub mod command;
pub mod compare;
pub mod composer;
pub mod counter;
pub mod documents;
pub mod figures;
pub mod heat;
pub mod inspector;
pub mod keymap;
pub mod layout;
pub mod line_edit;
pub mod msg;
pub mod notice;
pub mod overlay;
pub mod paces;
pub mod page;
pub mod personas;
pub mod pieces;
pub mod probing;
pub mod reading;
pub mod settings;
pub mod transcript;

mod on_answer;
mod on_archive;
mod on_branch;
mod on_cell;
mod on_check;
mod on_compare;
mod on_count;
mod on_ending;
mod on_key;
mod on_lens;
mod on_message;
mod on_overlay;
mod on_pane;
mod on_persona;
mod on_plan;
mod on_probe;
mod on_setup;
mod on_token;
mod on_vote;
mod removed;
mod start;

use chord::Chord;
use command::{Command, Place};
use compare::Compare;
use compare::planned::Planned;
use compare::setup::Setup;
use composer::Composer;
use counter::{Counter, Sent};
use documents::Documents;
use heat::Heat;
use inspector::{Inspector, Target};
use keymap::Keymap;
use layout::{InspectorAreas, Layout, Panes};
use msg::{Effect, Effects, Msg, Size};
use notice::Notice;
use on_ending::Successor;
use overlay::Overlay;
use paces::Paces;
use personas::Personas;
use removed::Removed;
use settings::Settings;
use transcript::Transcript;

pub use on_archive::HELD as HELD_SAMPLES;
pub use start::{Knowledge, SUGGESTION, Start};

use crate::core::conversation::{Conversation, Message};
use crate::core::id::{Ids, MessageId, RunId};
use crate::core::job::RecordId;
use crate::core::probe::Probes;
use crate::core::request::Role;
use crate::core::run::Run;
use crate::core::time::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// The conversation and its inspector.
    Chat,
    /// One question at several temperatures.
    Compare,
}

/// What sending the draft will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drafting {
    /// Add a message at the end; a user message asks for an answer.
    New,
    /// Replace a message; a user message asks again from there.
    Edit(MessageId),
    /// Insert a message after another.
    InsertAfter(MessageId),
    /// Set the system message.
    System,
}

/// Where a run lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    Chat(MessageId),
    Compare,
}

/// The temperature a column was continued at, and the one it took the place of.
#[derive(Debug, Clone, Copy)]
struct Continued {
    at: f64,
    before: Option<f64>,
}

/// Steps of the spinner.
pub const SPINNER: [&str; 8] = ["⣾", "⣽", "⣻", "⢿", "⡿", "⣟", "⣯", "⣷"];

/// The whole state.
#[derive(Debug)]
pub struct App {
    /// The screen shown.
    pub screen: Screen,
    /// Where the keyboard is while nothing is laid over.
    pub focus: Place,
    /// What is laid over the screen.
    pub overlay: Option<Overlay>,
    /// The open conversation.
    pub conversation: Conversation,
    /// The conversation pane.
    pub transcript: Transcript,
    /// The draft.
    pub composer: Composer,
    /// What sending the draft will do.
    pub drafting: Drafting,
    /// The role the draft is sent as.
    pub draft_role: Role,
    /// The token inspector.
    pub inspector: Inspector,
    /// The comparison.
    pub compare: Compare,
    /// Endpoint, model, sampling.
    pub settings: Settings,
    /// The live counter.
    pub counter: Counter,
    /// The laid-out texts.
    pub documents: Documents,
    /// Keys in force.
    pub keymap: Keymap,
    /// Colouring of answers.
    pub heat: Heat,
    /// Whether the focused pane takes the whole screen.
    pub zoomed: bool,
    /// The theme's name.
    pub theme: String,
    /// Names of all themes.
    pub themes: Vec<String>,
    /// Whether the mouse is taken.
    pub mouse: bool,
    /// What the bottom line says.
    pub notice: Option<Notice>,
    /// The rectangles of the frame, after [`App::settle`].
    pub layout: Layout,
    /// The rectangles of the inspector, after [`App::settle`].
    pub areas: InspectorAreas,
    /// The moment of the last message.
    pub now: Timestamp,
    /// Messages for runs that are no longer known.
    pub stale: u64,
    size: Size,
    ids: Ids,
    homes: HashMap<RunId, Home>,
    /// The library of personas, and what is done with it.
    pub personas: Personas,
    temperatures: Vec<f64>,
    /// Programs that may be run on answers, each with its arguments.
    allowed: BTreeSet<Vec<String>>,
    wrap: u16,
    pending: Option<Chord>,
    interrupted: bool,
    recalled: Option<usize>,
    stashed: String,
    copied_code: usize,
    removed: Removed,
    continued: Option<Continued>,
    warned: Option<(u64, Arc<str>)>,
    /// What would take the place of a comparison, as it was said last.
    succeeding: Option<(Option<RecordId>, Successor)>,
    counted_with: Sent,
    counted_revision: u64,
    /// The draft's revision when the prompts of the setup were chosen.
    prompted: u64,
    history_changed: bool,
    knowledge: Box<dyn Knowledge>,
    probes: Probes,
    /// How fast models answered so far.
    paces: Paces,
    /// The file of a sweep to begin with.
    planned: Option<Box<Planned>>,
    /// What names the session among all, and the number of the last thing kept of it.
    session: u64,
    kept: u64,
    /// Number of the last probe, and of the last text that was cut into its tokens.
    probe: u64,
    cut: u64,
    exit: Option<u8>,
    dirty: bool,
}

impl App {
    /// Returns the state at the beginning.
    #[must_use]
    pub fn new(start: Start, size: Size) -> Self {
        let mut composer = Composer::new();
        if !start.draft.is_empty() {
            composer.set_text(&start.draft);
        }
        let more = match start.notices.len() {
            0 | 1 => String::new(),
            count => format!(" · {} more: tokenscope config check", count - 1),
        };
        let notice =
            start.notices.first().map(|fault| Notice::fault(format!("{fault}{more}"), Timestamp::default()));
        let setup = Setup::of_temperatures(&start.temperatures, start.repeats, start.concurrency.max(1));
        let compare = Compare::new(setup);
        Self {
            screen: Screen::Chat,
            focus: Place::Composer,
            overlay: None,
            conversation: start.conversation,
            transcript: Transcript::default(),
            composer,
            drafting: Drafting::New,
            draft_role: Role::User,
            inspector: Inspector::default(),
            compare,
            settings: start.settings,
            counter: start.counter,
            documents: Documents::default(),
            keymap: start.keymap,
            heat: start.heat,
            zoomed: false,
            theme: start.theme,
            themes: start.themes,
            mouse: start.mouse,
            notice,
            layout: Layout::default(),
            areas: InspectorAreas::default(),
            now: Timestamp::default(),
            stale: 0,
            size,
            ids: start.ids,
            homes: HashMap::new(),
            personas: Personas::new(start.personas, start.unread_personas),
            temperatures: start.temperatures,
            allowed: BTreeSet::new(),
            wrap: start.wrap,
            pending: None,
            interrupted: false,
            recalled: None,
            stashed: String::new(),
            copied_code: 0,
            removed: Removed::default(),
            continued: None,
            warned: None,
            succeeding: None,
            counted_with: Sent::default(),
            counted_revision: u64::MAX,
            prompted: 0,
            history_changed: true,
            knowledge: start.knowledge,
            probes: start.probes,
            paces: Paces::default(),
            planned: start.planned,
            session: start.session,
            kept: 0,
            probe: 0,
            cut: 0,
            exit: None,
            dirty: true,
        }
    }

    /// Takes one message and returns what is to be done about it.
    pub fn update(&mut self, msg: Msg, now: Timestamp) -> Effects {
        self.now = now;
        self.end_notice();
        let effects = match msg {
            Msg::Key(chord) => self.on_key(chord),
            Msg::Paste(text) => self.on_paste(&text),
            Msg::Resize(size) => {
                self.size = size;
                Effects::none()
            }
            Msg::Mouse(mouse) => self.on_mouse(mouse),
            Msg::Run { run, event } => self.on_run(run, event),
            Msg::DraftCounted { revision, tokens } => {
                if self.counter.on_draft(revision, tokens) {
                    self.counted_revision = u64::MAX;
                }
                Effects::none()
            }
            Msg::Counted { encoding, counts } => {
                self.counter.on_counts(encoding, counts);
                self.history_changed = true;
                Effects::none()
            }
            Msg::Models { endpoint, result } => self.on_models(&endpoint, result),
            Msg::Highlighted { key, from_line, lines } => {
                self.documents.colour(key, from_line, lines);
                Effects::none()
            }
            Msg::TokensCut { revision, cutting } => {
                self.on_tokens_cut(revision, cutting);
                Effects::none()
            }
            Msg::ColumnsSummed { number, rows } => {
                self.compare.columns_summed(number, rows);
                Effects::none()
            }
            Msg::Probed { number, step } => {
                self.on_probed(number, step);
                Effects::none()
            }
            Msg::Archive(news) => self.on_archive(news),
            Msg::Judged { number, verdicts } => {
                self.on_judged(number, verdicts);
                Effects::none()
            }
            Msg::SchemaRead { path, result } => {
                self.on_schema(&path, result);
                Effects::none()
            }
            Msg::Edited(result) => self.on_edited(result),
            Msg::Notice(fault) => {
                self.fault(&fault);
                Effects::none()
            }
            // A limit of a server may have passed.
            Msg::Tick => self.ask_due(),
            Msg::Quit(code) => self.quit(code),
        };
        self.dirty = true;
        effects.then(self.count())
    }

    /// Measures everything for the next frame; returns requests to colour code that came into view.
    pub fn settle(&mut self) -> Effects {
        let rows = self.composer.height(self.size.width.saturating_sub(4));
        self.layout = layout::layout(self.size, rows, self.panes());
        let inner = self.layout.composer.inner();
        self.composer.settle(inner.width, inner.height);
        let raw = self.heat != Heat::Off;
        let main = self.layout.transcript;
        let mut effects = Effects::none();
        if self.screen == Screen::Compare || matches!(self.overlay, Some(Overlay::Sweep(_))) {
            effects = effects.then(self.settle_outlook());
        }
        match self.screen {
            Screen::Chat => {
                let mut area = main.inner();
                if self.wrap > 0 {
                    area.width = area.width.min(self.wrap);
                }
                self.transcript.settle(&self.conversation, &mut self.documents, area, raw, &self.keymap);
                let mut last = None;
                for line in self.transcript.lines() {
                    if last.replace(line.message) != Some(line.message) {
                        let key = transcript::body_key(&self.conversation.messages[line.message]);
                        effects = effects.then(self.documents.uncoloured(key).into());
                    }
                }
            }
            Screen::Compare => {
                self.compare.settle(&mut self.documents, main.below_axis(), raw, &self.keymap);
                effects = effects.then(self.look_closer());
            }
        }
        if !self.layout.inspector.is_empty() {
            self.settle_inspector();
        }
        self.settle_overlay();
        self.documents.trim();
        effects
    }

    fn panes(&self) -> Panes {
        let inspector = self.focus == Place::Inspector;
        match self.screen {
            Screen::Chat if self.zoomed && inspector => Panes::InspectorOnly,
            Screen::Chat if self.zoomed => Panes::TranscriptOnly,
            Screen::Compare if !self.compare.inspecting => Panes::TranscriptOnly,
            Screen::Compare if self.zoomed && inspector => Panes::InspectorOnly,
            Screen::Compare if self.zoomed => Panes::TranscriptOnly,
            Screen::Chat | Screen::Compare => Panes::Fit { inspector },
        }
    }

    /// Returns the run the inspector shows.
    #[must_use]
    pub fn inspected(&self) -> Option<&Run> {
        inspected(&self.conversation, &self.compare, &self.inspector)
    }

    /// Returns the terminal's size.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Whether the terminal is too small to show anything.
    #[must_use]
    pub fn is_too_small(&self) -> bool {
        self.size.width < layout::SMALLEST.width || self.size.height < layout::SMALLEST.height
    }

    /// Whether something changed since the last frame.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Takes note that a frame was drawn.
    pub fn drawn(&mut self) {
        self.dirty = !self.layout.inspector.is_empty() && self.inspector.is_behind();
    }

    /// Whether something moves on screen by itself, so that frames are due without messages.
    #[must_use]
    pub fn is_animating(&self) -> bool {
        !self.homes.is_empty()
    }

    /// Returns how many runs are going on.
    #[must_use]
    pub fn running(&self) -> usize {
        self.homes.len()
    }

    /// Returns the exit code once the app wants to leave.
    #[must_use]
    pub fn exit_code(&self) -> Option<u8> {
        self.exit
    }

    /// Returns the spinner's step at this moment.
    #[must_use]
    pub fn spinner(&self) -> &'static str {
        SPINNER[usize::try_from(self.now.0.as_millis() / 100).unwrap_or(0) % SPINNER.len()]
    }

    /// Returns how a command is given, for a sentence: its key in a place, else its name.
    fn key(&self, command: Command, place: Place) -> String {
        self.keymap.hint(command, place).unwrap_or_else(|| format!("'{}'", command::spec_of(command).title))
    }

    fn quit(&mut self, code: u8) -> Effects {
        self.exit = Some(code);
        // What came of a comparison so far is kept with it.
        let effects = Effects::one(self.keep()).then(self.stop_all());
        self.homes.keys().fold(effects, |effects, run| effects.and(Effect::Cancel(*run)))
    }

    /// Returns the effect that keeps the conversation as it is now.
    fn keep(&self) -> Effect {
        Effect::KeepConversation(self.conversation.whole())
    }
}

/// Returns the run an inspector shows.
fn inspected<'a>(
    conversation: &'a Conversation,
    compare: &'a Compare,
    inspector: &Inspector,
) -> Option<&'a Run> {
    let chat = || conversation.messages.iter().rev().filter_map(Message::run);
    match inspector.target {
        Target::Newest => chat().next(),
        Target::Run(id) => chat().chain(compare.runs()).find(|run| run.id == id),
    }
}
