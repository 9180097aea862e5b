//! A terminal that is none: what it shows can be read, what it reads is what a test sends.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use futures_util::Stream;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokenscope::app::App;
use tokenscope::app::chord::{Chord, Key};
use tokenscope::core::text::width;
use tokenscope::tui::front::Front;
use tokenscope::tui::theme::{Depth, Signs, Theme};
use tokenscope::tui::view;
use tokio::sync::{mpsc, watch};

/// What the terminal showed last, and what was done with it so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    /// The screen as text.
    pub(crate) screen: String,
    /// Frames drawn.
    pub(crate) draws: u64,
    /// How often the loop looked for input.
    pub(crate) looks: u64,
    /// Input streams that are open.
    pub(crate) open_streams: usize,
    /// Whether the terminal is given to another program.
    pub(crate) is_suspended: bool,
    /// Texts put on the clipboard.
    pub(crate) copied: Vec<String>,
}

/// A terminal whose screen can be watched.
pub(crate) struct Fake {
    terminal: Terminal<TestBackend>,
    shown: Arc<watch::Sender<Shown>>,
    keys: Arc<Mutex<mpsc::Receiver<Event>>>,
}

impl Fake {
    /// Returns a terminal of this size that reads events from a channel.
    pub(crate) fn new(width: u16, height: u16, keys: mpsc::Receiver<Event>) -> Self {
        Self {
            terminal: Terminal::new(TestBackend::new(width, height)).unwrap(),
            shown: Arc::new(watch::Sender::default()),
            keys: Arc::new(Mutex::new(keys)),
        }
    }

    /// Returns a view of the screen as it changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Shown> {
        self.shown.subscribe()
    }
}

impl Front for Fake {
    type Events = Keys;

    fn events(&mut self) -> Keys {
        self.shown.send_modify(|shown| shown.open_streams += 1);
        Keys { keys: Arc::clone(&self.keys), shown: Arc::clone(&self.shown) }
    }

    fn paint(&mut self, app: &App, theme: &Theme) -> io::Result<()> {
        let size = app.size();
        self.terminal.backend_mut().resize(size.width, size.height);
        let Ok(_) = self.terminal.draw(|frame| view::draw(app, theme, frame));
        let screen = text_of(self.terminal.backend().buffer());
        self.shown.send_modify(|shown| (shown.screen, shown.draws) = (screen, shown.draws + 1));
        Ok(())
    }

    fn redraw(&mut self) -> io::Result<()> {
        let Ok(()) = self.terminal.clear();
        Ok(())
    }

    fn suspend(&mut self) {
        self.shown.send_modify(|shown| shown.is_suspended = true);
    }

    fn resume(&mut self) -> io::Result<()> {
        self.shown.send_modify(|shown| shown.is_suspended = false);
        Ok(())
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.shown.send_modify(|shown| shown.copied.push(text.to_owned()));
        Ok(())
    }

    fn capture_mouse(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }
}

/// The keyboard while the loop holds it.
pub(crate) struct Keys {
    keys: Arc<Mutex<mpsc::Receiver<Event>>>,
    shown: Arc<watch::Sender<Shown>>,
}

impl Stream for Keys {
    type Item = io::Result<Event>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.shown.send_if_modified(|shown| {
            shown.looks += 1;
            false
        });
        self.keys.lock().unwrap().poll_recv(cx).map(|event| event.map(Ok))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.shown.send_modify(|shown| shown.open_streams -= 1);
    }
}

/// Returns the theme the tests draw with.
pub(crate) fn theme() -> Theme {
    let (palette, _) = tokenscope::config::theme::Theme::load_or_default("bamboo", Path::new(""));
    Theme::new(&palette, Depth::True, Signs::UNICODE)
}

/// Returns the text on a screen, without the blanks at the ends of its lines.
pub(crate) fn text_of(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width.max(1))) {
        let mut line = String::new();
        let mut at = 0;
        while let Some(cell) = row.get(at) {
            line.push_str(cell.symbol());
            at += width(cell.symbol()).max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Returns the chord that types a character; a line end is typed with Ctrl-J.
pub(crate) fn chord_of(c: char) -> Chord {
    match c {
        '\n' => Chord { ctrl: true, ..Chord::plain(Key::Char('j')) },
        c => Chord::plain(Key::Char(c)),
    }
}

/// Returns the event a terminal sends for a chord.
pub(crate) fn event_of(chord: Chord) -> Event {
    let code = match chord.key {
        Key::Char(c) => KeyCode::Char(c),
        Key::F(number) => KeyCode::F(number),
        Key::Enter => KeyCode::Enter,
        Key::Tab if chord.shift => KeyCode::BackTab,
        Key::Tab => KeyCode::Tab,
        Key::Backspace => KeyCode::Backspace,
        Key::Delete => KeyCode::Delete,
        Key::Insert => KeyCode::Insert,
        Key::Esc => KeyCode::Esc,
        Key::Left => KeyCode::Left,
        Key::Right => KeyCode::Right,
        Key::Up => KeyCode::Up,
        Key::Down => KeyCode::Down,
        Key::Home => KeyCode::Home,
        Key::End => KeyCode::End,
        Key::PageUp => KeyCode::PageUp,
        Key::PageDown => KeyCode::PageDown,
    };
    let mut modifiers = KeyModifiers::NONE;
    for (is_held, modifier) in [
        (chord.ctrl, KeyModifiers::CONTROL),
        (chord.alt, KeyModifiers::ALT),
        (chord.shift, KeyModifiers::SHIFT),
    ] {
        modifiers.set(modifier, is_held);
    }
    Event::Key(KeyEvent::new(code, modifiers))
}
