//! The app without a loop: keys and messages in, effects and a screen out, nothing waits.
//!
//! Each message is followed by a frame, as a key is in the loop. Time stands still unless the test
//! moves it.

use super::front;
use std::sync::Arc;
use std::time::Duration;
use tokenscope::app::chord::Chord;
use tokenscope::app::counter::Counter;
use tokenscope::app::heat::Heat;
use tokenscope::app::keymap::Keymap;
use tokenscope::app::msg::{Effect, Effects, Msg, Size};
use tokenscope::app::settings::{EndpointCard, Settings};
use tokenscope::app::{App, Knowledge, Start};
use tokenscope::core::conversation::{Body, Conversation, Message};
use tokenscope::core::cost::Price;
use tokenscope::core::id::{Ids, RunId};
use tokenscope::core::model::{Encoding, ModelCard};
use tokenscope::core::persona::{Library, Own};
use tokenscope::core::probe::Probes;
use tokenscope::core::request::{Means, Request, Role, Sampling};
use tokenscope::core::run::Run;
use tokenscope::core::stream::{FinishReason, StreamEvent};
use tokenscope::core::time::Timestamp;
use tokenscope::core::token::{Candidate, Piece, Token};
use tokenscope::tui::theme::{Signs, Theme};
use tokenscope::tui::view;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// An app, what it wanted done, and the screen it is drawn on.
pub(crate) struct Stage {
    pub(crate) app: App,
    /// Effects since they were last taken.
    effects: Vec<Effect>,
    /// Requests that were started, in order.
    pub(crate) started: Vec<(RunId, Arc<Request>)>,
    /// How long each of them waits.
    pub(crate) timeouts: Vec<Option<Duration>>,
    terminal: Terminal<TestBackend>,
    theme: Theme,
    now: Timestamp,
}

impl Stage {
    /// Returns an app with an empty conversation on a screen of this size.
    pub(crate) fn new(width: u16, height: u16) -> Self {
        Self::with(width, height, |_| {})
    }

    /// Returns an app that starts as `change` says.
    pub(crate) fn with(width: u16, height: u16, change: impl FnOnce(&mut Start)) -> Self {
        let mut start = start();
        change(&mut start);
        let mut stage = Self {
            app: App::new(start, Size { width, height }),
            effects: Vec::new(),
            started: Vec::new(),
            timeouts: Vec::new(),
            terminal: Terminal::new(TestBackend::new(width, height)).unwrap(),
            theme: front::theme(),
            now: Timestamp::from_millis(1000),
        };
        let effects = stage.app.begin();
        stage.note(effects);
        stage.draw();
        stage
    }

    /// Returns an app whose conversation holds these messages.
    pub(crate) fn talking(width: u16, height: u16, messages: &[(Role, &str)]) -> Self {
        Self::with(width, height, |start| {
            for (role, text) in messages {
                let body = Body::Text((*text).into());
                start.conversation.messages.push(Message { id: start.ids.message(), role: *role, body });
            }
        })
    }

    /// Draws with the signs of a terminal that shows ASCII only.
    pub(crate) fn use_ascii(&mut self) {
        self.theme.signs = Signs::ASCII;
        self.draw();
    }

    /// Presses keys, written as in the configuration with spaces between them.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            self.tell(Msg::Key(key.parse().unwrap()));
        }
        self
    }

    /// Types a text, character by character; a line end is the key for one.
    pub(crate) fn type_text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.tell(Msg::Key(front::chord_of(c)));
        }
        self
    }

    /// Pastes a text.
    pub(crate) fn paste(&mut self, text: &str) -> &mut Self {
        self.tell(Msg::Paste(text.to_owned()))
    }

    /// Changes the terminal's size.
    pub(crate) fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.terminal.backend_mut().resize(width, height);
        self.tell(Msg::Resize(Size { width, height }))
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, millis: u64) -> &mut Self {
        self.now = Timestamp(self.now.0 + Duration::from_millis(millis));
        self
    }

    /// Hands the app a message and draws a frame.
    pub(crate) fn tell(&mut self, msg: Msg) -> &mut Self {
        let effects = self.app.update(msg, self.now);
        self.note(effects);
        self.draw();
        self
    }

    /// Hands the app a step of a run.
    pub(crate) fn event(&mut self, run: RunId, event: StreamEvent) -> &mut Self {
        self.tell(Msg::Run { run, event })
    }

    /// Begins a run and sends it pieces of text.
    pub(crate) fn stream<const N: usize>(&mut self, run: RunId, pieces: [&str; N]) -> &mut Self {
        self.event(run, StreamEvent::Attempt { number: 1 });
        for text in pieces {
            self.wait(20).event(run, StreamEvent::Delta { text: text.to_owned(), tokens: Vec::new() });
        }
        self
    }

    /// Answers everything that was started from the run of this number on.
    pub(crate) fn answer_all(&mut self, from: usize) -> &mut Self {
        let mut at = from;
        while let Some((run, _)) = self.started.get(at) {
            let run = *run;
            self.answer(run, "ok");
            at += 1;
        }
        self
    }

    /// Answers a run with a text and ends it well.
    pub(crate) fn answer(&mut self, run: RunId, text: &str) -> &mut Self {
        self.stream(run, [text]).event(run, StreamEvent::Finished(FinishReason::Stop))
    }

    /// Asks a question and answers it.
    pub(crate) fn exchange(&mut self, question: &str, answer: &str) -> &mut Self {
        self.type_text(question).press("enter");
        let run = self.last_run();
        self.answer(run, answer)
    }

    /// Returns the run that was started last.
    #[track_caller]
    pub(crate) fn last_run(&self) -> RunId {
        self.started.last().expect("a run was started").0
    }

    /// Returns what the request that was started last says, message by message.
    #[track_caller]
    pub(crate) fn sent(&self) -> Vec<String> {
        let (_, request) = self.started.last().expect("a run was started");
        request.messages.iter().map(|prompt| format!("{}: {}", prompt.role.name(), prompt.content)).collect()
    }

    /// Returns the conversation, message by message.
    pub(crate) fn said(&self) -> Vec<String> {
        let messages = &self.app.conversation.messages;
        messages.iter().map(|message| format!("{}: {}", message.role.name(), message.text())).collect()
    }

    /// Returns a run of the conversation or the comparison.
    #[track_caller]
    pub(crate) fn run(&self, id: RunId) -> &Run {
        let variants = |message: &'_ Message| match &message.body {
            Body::Answer(answer) => answer.variants().iter().position(|run| run.id == id),
            Body::Text(_) => None,
        };
        for message in &self.app.conversation.messages {
            if let (Some(at), Body::Answer(answer)) = (variants(message), &message.body) {
                return &answer.variants()[at];
            }
        }
        self.app.compare.runs().find(|run| run.id == id).expect("the run is known")
    }

    /// Returns what the app wanted done since this was last called, but for keeping and counting.
    pub(crate) fn effects(&mut self) -> Vec<Effect> {
        let is_chore = |effect: &Effect| {
            matches!(
                effect,
                Effect::KeepDraft(_)
                    | Effect::Archive(_)
                    | Effect::KeepConversation(_)
                    | Effect::Count { .. }
                    | Effect::CountDraft { .. }
                    | Effect::Highlight { .. }
            )
        };
        self.all_effects().into_iter().filter(|effect| !is_chore(effect)).collect()
    }

    /// Returns everything the app wanted done since effects were last taken.
    pub(crate) fn all_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Returns the notice at the bottom.
    pub(crate) fn notice(&self) -> &str {
        self.app.notice.as_ref().map_or("", |notice| &notice.text)
    }

    /// Returns the screen as text, without the blanks at the ends of its lines.
    pub(crate) fn screen(&self) -> String {
        front::text_of(self.terminal.backend().buffer())
    }

    /// Returns the terminal, to look at its cells and its cursor.
    pub(crate) fn backend(&self) -> &TestBackend {
        self.terminal.backend()
    }

    fn note(&mut self, effects: Effects) {
        for effect in effects {
            if let Effect::Start { run, request, timeout } = &effect {
                self.started.push((*run, Arc::clone(request)));
                self.timeouts.push(*timeout);
            }
            self.effects.push(effect);
        }
    }

    fn draw(&mut self) {
        let effects = self.app.settle();
        self.note(effects);
        self.terminal.draw(|frame| view::draw(&self.app, &self.theme, frame)).unwrap();
        self.app.drawn();
    }
}

/// Returns a token with the probability of its first candidate; the rest follow.
pub(crate) fn token(candidates: &[(&str, f64)]) -> Token {
    let candidate = |(text, p): &(&str, f64)| Candidate {
        piece: Piece::new(*text, Some(text.as_bytes().to_vec())),
        logprob: Some(p.ln()),
        id: None,
    };
    let mut all: Vec<Candidate> = candidates.iter().map(candidate).collect();
    let chosen = all[0].clone();
    all.sort_by(|a, b| b.logprob.unwrap_or(0.0).total_cmp(&a.logprob.unwrap_or(0.0)));
    Token { piece: chosen.piece, logprob: chosen.logprob, candidates: all.into(), id: None }
}

/// Returns how a test's app begins: one endpoint, a model with a window of 8,192 tokens.
pub(crate) fn start() -> Start {
    let endpoint = |name: &str, is_sandbox| EndpointCard {
        name: name.into(),
        place: "https://api.example.org/v1".to_owned(),
        base_url: "https://api.example.org/v1".into(),
        model: "m-1".into(),
        is_sandbox,
        continues: Means::Prefill,
    };
    Start {
        settings: Settings {
            endpoints: vec![endpoint("local", false), endpoint("sandbox", true)],
            endpoint: 0,
            model: "m-1".into(),
            card: Fixed::default().card("m-1"),
            sampling: Sampling {
                temperature: Some(0.7),
                max_output_tokens: Some(512),
                top_logprobs: Some(5),
                ..Sampling::default()
            },
            timeout: None,
        },
        keymap: Keymap::default(),
        conversation: Conversation::default(),
        ids: Ids::default(),
        draft: String::new(),
        heat: Heat::Off,
        theme: "bamboo".to_owned(),
        themes: ["bamboo", "dusk", "paper"].map(str::to_owned).to_vec(),
        mouse: true,
        session: 1,
        personas: personas(&["chef", "panda"]),
        unread_personas: None,
        temperatures: vec![0.3, 0.8, 1.0, 1.3, 1.5, 1.6, 1.8],
        repeats: 1,
        concurrency: 8,
        wrap: 0,
        counter: Counter::new(Encoding::O200kBase, true),
        knowledge: Box::new(Fixed::default()),
        probes: Probes::default(),
        planned: None,
        notices: Vec::new(),
    }
}

/// Returns configured personas of these names.
pub(crate) fn personas(names: &[&str]) -> Library {
    let configured = names.iter().map(|name| ((*name).to_owned(), format!("You are a {name}.").into()));
    Library::new(configured.collect(), Own::new())
}

/// Knows the same of every model.
#[derive(Debug, Default)]
pub(crate) struct Fixed {
    /// Whether the user says that probabilities stand before temperature.
    pub(crate) logprobs_before_temperature: Option<bool>,
}

impl Knowledge for Fixed {
    fn card(&self, _: &str) -> ModelCard {
        ModelCard {
            context_window: Some(8_192),
            exact_framing: true,
            price: Some(Price { input: 0.15, cached_input: None, output: 0.6, as_of: String::new() }),
            ..ModelCard::default()
        }
    }

    fn encoding(&self, _: &str) -> (Encoding, bool) {
        (Encoding::O200kBase, true)
    }

    fn logprobs_before_temperature(&self, _: &str) -> Option<bool> {
        self.logprobs_before_temperature
    }
}

/// Returns the chord of a key as it is written in the configuration.
pub(crate) fn chord(written: &str) -> Chord {
    written.parse().unwrap()
}
