//! What a key costs between input and terminal: update, settle, draw, diff.
//!
//! `cargo bench --bench frame` prints microseconds per key at three sizes, in an empty conversation
//! and in one of about a million tokens; then what the inspector costs on an answer of 100,000 tokens
//! with 20 candidates each: opening it, a step, a slider with the whole answer's heat.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints its figures and ends at the first fault"
)]

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokenscope::app::chord::{Chord, Key};
use tokenscope::app::counter::Counter;
use tokenscope::app::heat::Heat;
use tokenscope::app::keymap::Keymap;
use tokenscope::app::msg::{Effect, Msg, Size};
use tokenscope::app::settings::{EndpointCard, Settings};
use tokenscope::app::{App, Knowledge, Start};
use tokenscope::config::theme;
use tokenscope::core::conversation::{Body, Conversation, Message};
use tokenscope::core::id::Ids;
use tokenscope::core::model::{Encoding, ModelCard};
use tokenscope::core::probe::Probes;
use tokenscope::core::request::{Role, Sampling};
use tokenscope::core::stream::{FinishReason, StreamEvent};
use tokenscope::core::time::Timestamp;
use tokenscope::core::token::{Candidate, Piece, Token};
use tokenscope::tui::theme::{Depth, Signs, Theme};
use tokenscope::tui::view;

#[derive(Debug)]
struct Nothing;

impl Knowledge for Nothing {
    fn card(&self, _: &str) -> ModelCard {
        ModelCard::default()
    }

    fn encoding(&self, _: &str) -> (Encoding, bool) {
        (Encoding::O200kBase, true)
    }

    fn logprobs_before_temperature(&self, _: &str) -> Option<bool> {
        None
    }
}

fn app(messages: usize, size: Size) -> App {
    let mut ids = Ids::default();
    let answer = "The model reads a line and writes **another** one. 한국어 문장도 있다. ".repeat(40);
    let mut conversation = Conversation::default();
    for number in 0..messages {
        let role = if number % 2 == 0 { Role::User } else { Role::Assistant };
        let text: Arc<str> = if role == Role::User { "question".into() } else { answer.as_str().into() };
        conversation.messages.push(Message { id: ids.message(), role, body: Body::Text(text) });
    }
    let card = EndpointCard {
        name: "e".into(),
        place: String::new(),
        base_url: "".into(),
        model: "m".into(),
        is_sandbox: false,
        continues: tokenscope::core::request::Means::Asked,
    };
    let start = Start {
        settings: Settings {
            endpoints: vec![card],
            endpoint: 0,
            model: "m".into(),
            card: ModelCard::default(),
            sampling: Sampling::default(),
        },
        keymap: Keymap::default(),
        conversation,
        ids,
        draft: String::new(),
        heat: Heat::Off,
        theme: "bamboo".to_owned(),
        themes: Vec::new(),
        mouse: false,
        session: 1,
        personas: Vec::new(),
        temperatures: vec![0.3, 1.0],
        repeats: 1,
        concurrency: 8,
        wrap: 0,
        counter: Counter::new(Encoding::O200kBase, true),
        knowledge: Box::new(Nothing),
        probes: Probes::default(),
        planned: None,
        notices: Vec::new(),
    };
    App::new(start, size)
}

/// Tokens of the long answer, and candidates of each.
const TOKENS: usize = 100_000;
const CANDIDATES: u8 = 20;

/// Returns the tokens of an answer; every seventh is a close call.
fn tokens() -> Vec<Token> {
    let token = |index: usize| {
        let top: f64 = if index.is_multiple_of(7) { 0.4 } else { 0.9 };
        let candidate = |place: u8| Candidate {
            piece: Piece::new(format!(" {}{index}", char::from(b'a' + place)), None),
            logprob: Some(top.ln() - 0.7 * f64::from(place)),
            id: None,
        };
        let candidates: Box<[Candidate]> = (0..CANDIDATES).map(candidate).collect();
        Token { piece: candidates[0].piece.clone(), logprob: candidates[0].logprob, candidates, id: None }
    };
    (0..TOKENS).map(token).collect()
}

/// Prints what keys of the inspector cost on a long answer, update, settle and draw together.
fn inspector(theme: &Theme) {
    let mut app = app(0, Size { width: 120, height: 40 });
    let viewport = ratatui::Viewport::Fixed(ratatui::layout::Rect::new(0, 0, 120, 40));
    let options = ratatui::TerminalOptions { viewport };
    let mut terminal = Terminal::with_options(CrosstermBackend::new(Vec::new()), options).unwrap();
    let mut tell = |app: &mut App, msg: Msg| {
        let start = Instant::now();
        let effects = app.update(msg, Timestamp::default());
        drop(app.settle());
        terminal.draw(|frame| view::draw(app, theme, frame)).unwrap();
        (start.elapsed().as_secs_f64() * 1e3, effects)
    };
    let key = |c: char| Msg::Key(Chord::plain(Key::Char(c)));
    tell(&mut app, key('q'));
    let (_, effects) = tell(&mut app, Msg::Key(Chord::plain(Key::Enter)));
    let run = effects
        .into_iter()
        .find_map(|effect| if let Effect::Start { run, .. } = effect { Some(run) } else { None });
    let run = run.unwrap();
    // The inspector is closed while the answer arrives, so that opening it reads all of it.
    tell(&mut app, Msg::Key(Chord { alt: true, ..Chord::plain(Key::Char('z')) }));
    for chunk in tokens().chunks(1000) {
        let text = chunk.iter().map(|token| token.piece.text()).collect();
        tell(&mut app, Msg::Run { run, event: StreamEvent::Delta { text, tokens: chunk.to_vec() } });
    }
    tell(&mut app, Msg::Run { run, event: StreamEvent::Finished(FinishReason::Stop) });
    let (open, _) = tell(&mut app, Msg::Key(Chord { alt: true, ..Chord::plain(Key::Char('i')) }));
    let mut mean = |app: &mut App, c: char| {
        let times: Vec<f64> = (0..20).map(|_| tell(app, key(c)).0).collect();
        times.iter().sum::<f64>() / 20.0
    };
    let (step, call, heat) = (mean(&mut app, 'l'), mean(&mut app, ']'), mean(&mut app, 'v'));
    let slide = mean(&mut app, '=');
    println!(
        "inspector, {TOKENS} tokens: open {open:.1} ms, step {step:.2} ms, close call {call:.2} ms, \
         heat {heat:.1} ms, slide {slide:.1} ms"
    );
}

fn main() {
    let (palette, _) = theme::Theme::load_or_default("bamboo", std::path::Path::new(""));
    let theme = Theme::new(&palette, Depth::True, Signs::UNICODE);
    inspector(&theme);
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        for messages in [0, 2_000] {
            let mut app = app(messages, Size { width, height });
            let viewport = ratatui::Viewport::Fixed(ratatui::layout::Rect::new(0, 0, width, height));
            let options = ratatui::TerminalOptions { viewport };
            let mut terminal = Terminal::with_options(CrosstermBackend::new(Vec::new()), options).unwrap();
            let (mut update, mut settle, mut draw) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
            let keys: u32 = 500;
            for number in 0..keys {
                let letter = char::from(b'a' + u8::try_from(number % 26).unwrap());
                let start = Instant::now();
                let effects = app.update(Msg::Key(Chord::plain(Key::Char(letter))), Timestamp::default());
                update += start.elapsed();
                drop(effects);
                let start = Instant::now();
                drop(app.settle());
                settle += start.elapsed();
                let start = Instant::now();
                terminal.draw(|frame| view::draw(&app, &theme, frame)).unwrap();
                draw += start.elapsed();
            }
            let per_key = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(keys);
            println!(
                "{width}x{height}, {messages} messages: update {:.1} µs, settle {:.1} µs, draw {:.1} µs",
                per_key(update),
                per_key(settle),
                per_key(draw)
            );
        }
    }
}
