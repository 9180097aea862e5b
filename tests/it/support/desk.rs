//! The app at a desk of its own: a fixed clock, no terminal and no server.
//!
//! A test presses keys and plays the server; counting and colouring are done at once, with the
//! program's own tokenizer and highlighter. Two desks that get the same input show the same cells.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use tokenscope::app::chord::{Chord, Key};
use tokenscope::app::counter::Counter;
use tokenscope::app::figures::Row;
use tokenscope::app::heat::Heat;
use tokenscope::app::keymap::Keymap;
use tokenscope::app::msg::{CodeKey, Effect, Effects, Msg, Size};
use tokenscope::app::settings::{EndpointCard, Settings};
use tokenscope::app::{App, Knowledge, Start};
use tokenscope::config::{Config, SANDBOX, theme};
use tokenscope::core::context::framing_tokens;
use tokenscope::core::conversation::Conversation;
use tokenscope::core::diversity::Material;
use tokenscope::core::id::{Ids, RunId};
use tokenscope::core::model::{Encoding, ModelCard};
use tokenscope::core::persona::Library;
use tokenscope::core::probe::Probes;
use tokenscope::core::request::Request;
use tokenscope::core::stream::{FinishReason, StreamEvent, Usage};
use tokenscope::core::time::Timestamp;
use tokenscope::core::token::Token;
use tokenscope::markup::Highlighter;
use tokenscope::tokenizer;
use tokenscope::tui::theme::{Depth, Signs, Theme};
use tokenscope::tui::view;

use super::svg::Window;

/// An app with the settings of a machine without configuration and without a key.
pub(crate) struct Desk {
    pub(crate) app: App,
    theme: Theme,
    now_ms: u64,
    started: VecDeque<(RunId, std::sync::Arc<Request>)>,
    highlighter: Highlighter,
    blocks: HashMap<CodeKey, u64>,
}

#[derive(Debug)]
struct Known(Config);

impl Knowledge for Known {
    fn card(&self, model: &str) -> ModelCard {
        self.0.card(model)
    }

    fn encoding(&self, model: &str) -> (Encoding, bool) {
        let choice = tokenizer::encoding_for(model);
        (self.0.card(model).encoding.unwrap_or(choice.encoding), true)
    }

    fn logprobs_before_temperature(&self, endpoint: &str) -> Option<bool> {
        self.0.logprobs_before_temperature(endpoint)
    }
}

impl Desk {
    /// Returns a desk with a terminal of this size, in a theme that is compiled in.
    pub(crate) fn new(width: u16, height: u16, theme: &str) -> Self {
        let config = Config::default();
        let nowhere = Path::new("");
        let model = config.endpoints[SANDBOX].model.as_deref().unwrap().into();
        let sandbox = EndpointCard {
            name: SANDBOX.into(),
            place: "inside tokenscope, offline".to_owned(),
            base_url: "".into(),
            model: std::sync::Arc::clone(&model),
            is_sandbox: true,
            continues: config.endpoints[SANDBOX].continues,
        };
        let start = Start {
            settings: Settings {
                endpoints: vec![sandbox],
                endpoint: 0,
                card: config.card(&model),
                model,
                sampling: config.sampling.clone(),
                timeout: None,
            },
            keymap: Keymap::default(),
            conversation: Conversation::default(),
            ids: Ids::default(),
            draft: String::new(),
            heat: Heat::Off,
            theme: theme.to_owned(),
            themes: theme::names(nowhere),
            mouse: config.ui.mouse,
            session: 1,
            personas: Library::default(),
            unread_personas: None,
            temperatures: config.compare.temperatures.clone(),
            repeats: config.compare.repeats,
            concurrency: config.compare.concurrency,
            wrap: config.ui.wrap,
            counter: Counter::new(Encoding::O200kBase, true),
            knowledge: Box::new(Known(config)),
            probes: Probes::default(),
            planned: None,
            notices: Vec::new(),
        };
        let (palette, _) = theme::Theme::load(theme, nowhere).unwrap();
        let mut desk = Self {
            app: App::new(start, Size { width, height }),
            theme: Theme::new(&palette, Depth::True, Signs::UNICODE),
            now_ms: 0,
            started: VecDeque::new(),
            highlighter: Highlighter::new(),
            blocks: HashMap::new(),
        };
        let effects = desk.app.begin();
        desk.perform(effects);
        desk
    }

    /// Presses keys, written as in the configuration, with spaces between them.
    pub(crate) fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            self.send(Msg::Key(key.parse().unwrap()));
        }
    }

    /// Types a text.
    pub(crate) fn write(&mut self, text: &str) {
        for letter in text.chars() {
            self.send(Msg::Key(Chord::plain(Key::Char(letter))));
        }
    }

    /// Lets time pass; notices that were shown may go with the next key.
    pub(crate) fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
        self.send(Msg::Tick);
    }

    /// Answers the oldest request that waits: the tokens come one by one, `step_ms` apart, the first
    /// after `first_ms`. With `None` for its ending the answer stays open.
    pub(crate) fn answer(
        &mut self,
        tokens: &[Token],
        (first_ms, step_ms): (u64, u64),
        ending: Option<FinishReason>,
    ) {
        let (run, request) = self.started.pop_front().unwrap();
        let began = self.now_ms;
        let event = |desk: &mut Self, event| desk.send(Msg::Run { run, event });
        event(self, StreamEvent::Attempt { number: 1 });
        self.now_ms += first_ms;
        let mut pending = Vec::new();
        for token in tokens {
            // A server sends the text of a character with the token that completes it.
            pending.extend_from_slice(token.piece.bytes());
            let text = String::from_utf8(std::mem::take(&mut pending)).unwrap_or_else(|part| {
                pending = part.into_bytes();
                String::new()
            });
            event(self, StreamEvent::Delta { text, tokens: vec![token.clone()] });
            self.now_ms += step_ms;
        }
        self.now_ms -= step_ms;
        if let Some(reason) = ending {
            event(self, StreamEvent::Usage(usage(&request, tokens)));
            event(self, StreamEvent::Finished(reason));
        }
        // Further answers began at the same time.
        self.now_ms = if self.started.is_empty() { self.now_ms } else { began };
    }

    /// Draws the screen in a window.
    pub(crate) fn window(&mut self, title: &str) -> Window {
        let effects = self.app.settle();
        self.perform(effects);
        drop(self.app.settle());
        let Size { width, height } = self.app.size();
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view::draw(&self.app, &self.theme, frame)).unwrap();
        let backend = terminal.backend();
        let caret = backend.cursor_visible().then(|| backend.cursor_position());
        Window {
            title: title.to_owned(),
            buffer: backend.buffer().clone(),
            caret: caret.map(|position| (position.x, position.y)),
        }
    }

    fn send(&mut self, msg: Msg) {
        let effects = self.app.update(msg, Timestamp::from_millis(self.now_ms));
        self.perform(effects);
        let effects = self.app.settle();
        self.perform(effects);
    }

    fn perform(&mut self, effects: Effects) {
        for effect in effects {
            let answer = match effect {
                Effect::Start { run, request, .. } => {
                    self.started.push_back((run, request));
                    None
                }
                Effect::CountDraft { revision, text, encoding } => {
                    Some(Msg::DraftCounted { revision, tokens: tokenizer::table(encoding).count(&text) })
                }
                Effect::Count { encoding, texts } => {
                    let table = tokenizer::table(encoding);
                    let counts = texts.iter().map(|(key, text)| (*key, table.count(text))).collect();
                    Some(Msg::Counted { encoding, counts })
                }
                Effect::Highlight { key, language, from_line, text } => {
                    let count = self.blocks.len() as u64;
                    let number = *self.blocks.entry(key).or_insert(count);
                    let lines = self.highlighter.lines(number, &language, from_line, &text);
                    Some(Msg::Highlighted { key, from_line, lines })
                }
                Effect::Cancel(_)
                | Effect::ListModels(_)
                | Effect::Copy(_)
                | Effect::EditExternally(_)
                | Effect::KeepDraft(_)
                | Effect::KeepPersonas(_)
                | Effect::KeepConversation(_)
                | Effect::BeginConversation
                | Effect::UseTheme(_)
                | Effect::CaptureMouse(_)
                | Effect::Probe { .. }
                | Effect::StopProbe
                | Effect::Archive(_)
                | Effect::Judge(_)
                | Effect::ReadSchema(_)
                | Effect::Redraw => None,
                Effect::SumColumns { number, columns } => {
                    let sums: Vec<_> =
                        columns.into_iter().map(|column| column.map(Material::figures)).collect();
                    Some(Msg::ColumnsSummed { number, rows: Row::of_columns(&sums) })
                }
                Effect::CutTokens { revision, text } => {
                    let cutting = std::sync::Arc::new(tokenizer::cut(&text));
                    Some(Msg::TokensCut { revision, cutting })
                }
            };
            if let Some(msg) = answer {
                self.send(msg);
            }
        }
    }
}

/// Returns what the sandbox would bill.
fn usage(request: &Request, tokens: &[Token]) -> Usage {
    let table = tokenizer::table(Encoding::O200kBase);
    let texts: u64 = request.messages.iter().map(|message| table.count(&message.content)).sum();
    Usage {
        input_tokens: texts + framing_tokens(request.messages.len()),
        output_tokens: tokens.len() as u64,
        ..Usage::default()
    }
}
