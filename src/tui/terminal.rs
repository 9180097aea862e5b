//! The terminal: entering and leaving full screen, keys in, frames out.
//!
//! Invariant: whatever ends the process, the terminal is put back as it was; [`restore`] may be
//! called any number of times and ignores its own errors, as there is nobody left to tell.

use crate::app::App;
use crate::app::chord::{Chord, Key};
use crate::app::msg::{Mouse, MouseKind, Msg, Size};
use crate::tui::front::Front;
use crate::tui::input::Input;
use crate::tui::theme::Theme;
use crate::tui::view;
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, Event, KeyCode,
    KeyEvent, KeyEventKind, KeyModifiers, KeyboardEnhancementFlags, MouseButton, MouseEvent, MouseEventKind,
    PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

static ENTERED: AtomicBool = AtomicBool::new(false);

/// Puts the terminal back as it was: main screen, cursor, echo, no mouse, no bracketed paste.
pub(crate) fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    // Each step is tried even if one before it failed.
    let _ = execute!(out, EndSynchronizedUpdate);
    let _ = execute!(out, PopKeyboardEnhancementFlags);
    let _ = execute!(out, DisableMouseCapture);
    let _ = execute!(out, DisableBracketedPaste);
    let _ = execute!(out, LeaveAlternateScreen);
    let _ = execute!(out, cursor::Show);
    let _ = disable_raw_mode();
}

/// Makes a panic of the main thread put the terminal back before it is reported.
///
/// A panic of a worker thread does not end the program: its task reports the failure where it
/// belongs, and printing over the screen would only hide it.
pub(crate) fn restore_on_panic() {
    let main = std::thread::current().id();
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == main {
            restore();
            previous(info);
        } else if !ENTERED.load(Ordering::SeqCst) {
            previous(info);
        }
    }));
}

/// Collects a frame, so that it reaches the terminal in one write.
#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn send(&self) -> io::Result<()> {
        let mut frame = self.0.borrow_mut();
        let mut out = io::stdout().lock();
        let result = out.write_all(&frame).and_then(|()| out.flush());
        frame.clear();
        result
    }
}

/// The real terminal.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Sink>>,
    sink: Sink,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When the terminal cannot be switched.
    pub(crate) fn enter(mouse: bool) -> io::Result<Self> {
        switch_on(mouse)?;
        let sink = Sink::default();
        // The size comes with each resize, so asking the terminal for it before every frame is spared.
        let (width, height) = crossterm::terminal::size()?;
        let viewport = Viewport::Fixed(area(width, height));
        let options = TerminalOptions { viewport };
        let terminal = Terminal::with_options(CrosstermBackend::new(sink.clone()), options)?;
        Ok(Self { terminal, sink, mouse })
    }
}

/// Returns the terminal's size.
///
/// # Errors
/// When the terminal does not say.
pub(crate) fn size() -> io::Result<Size> {
    let (width, height) = crossterm::terminal::size()?;
    Ok(Size { width, height })
}

fn area(width: u16, height: u16) -> Rect {
    Rect { x: 0, y: 0, width, height }
}

fn switch_on(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    let mut out = io::stdout().lock();
    // The enhancement is asked for without first asking whether it is known: terminals that do not
    // know it ignore it, and the question would cost a round trip before the first frame.
    let flags = KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES;
    queue!(out, EnterAlternateScreen, EnableBracketedPaste, PushKeyboardEnhancementFlags(flags))?;
    if mouse {
        queue!(out, EnableMouseCapture)?;
    }
    out.flush()
}

impl Front for Screen {
    type Events = Input;

    fn events(&mut self) -> Input {
        Input::new()
    }

    fn paint(&mut self, app: &App, theme: &Theme) -> io::Result<()> {
        if app.size().width == 0 || app.size().height == 0 {
            return Ok(());
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let wanted = area(app.size().width, app.size().height);
        if self.terminal.get_frame().area() != wanted {
            self.terminal.resize(wanted)?;
        }
        self.terminal.draw(|frame| view::draw(app, theme, frame))?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        self.sink.send()
    }

    fn redraw(&mut self) -> io::Result<()> {
        // Clearing asks the terminal where its cursor is, and one that does not answer would be waited for
        // and then given up; a new size clears as well, and asks nothing.
        let area = self.terminal.get_frame().area();
        self.terminal.resize(area)?;
        self.sink.send()
    }

    fn suspend(&mut self) {
        restore();
    }

    fn resume(&mut self) -> io::Result<()> {
        switch_on(self.mouse)?;
        self.redraw()
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), CopyToClipboard::to_clipboard_from(text))?;
        self.sink.send()
    }

    fn capture_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        if on {
            queue!(self.terminal.backend_mut(), EnableMouseCapture)?;
        } else {
            queue!(self.terminal.backend_mut(), DisableMouseCapture)?;
        }
        self.sink.send()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Returns what an event of the terminal means to the app, if anything.
#[must_use]
pub(crate) fn translate(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) => chord(key).map(Msg::Key),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(width, height) => Some(Msg::Resize(Size { width, height })),
        Event::Mouse(event) => mouse(event).map(Msg::Mouse),
        Event::FocusGained | Event::FocusLost => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else means anything here")]
fn mouse(event: MouseEvent) -> Option<Mouse> {
    let kind = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => MouseKind::Press,
        MouseEventKind::Drag(MouseButton::Left) => MouseKind::Drag,
        MouseEventKind::ScrollUp => MouseKind::WheelUp,
        MouseEventKind::ScrollDown => MouseKind::WheelDown,
        _ => return None,
    };
    Some(Mouse { kind, x: event.column, y: event.row })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "keys that no command can be bound to")]
fn chord(event: KeyEvent) -> Option<Chord> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let held = |modifier| event.modifiers.contains(modifier);
    let (mut ctrl, alt) = (held(KeyModifiers::CONTROL), held(KeyModifiers::ALT));
    let mut shift = held(KeyModifiers::SHIFT);
    let key = match event.code {
        // What some terminals send for backspace.
        KeyCode::Char('h') if ctrl && !alt && !shift => {
            ctrl = false;
            Key::Backspace
        }
        KeyCode::Char(c) if ctrl && c.is_ascii_uppercase() => {
            shift = true;
            Key::Char(c.to_ascii_lowercase())
        }
        KeyCode::Char(c) => {
            // The case already says it.
            shift &= ctrl;
            Key::Char(c)
        }
        KeyCode::BackTab => {
            shift = true;
            Key::Tab
        }
        KeyCode::F(number) => Key::F(number),
        KeyCode::Enter => Key::Enter,
        KeyCode::Tab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Insert => Key::Insert,
        KeyCode::Esc => Key::Esc,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        _ => return None,
    };
    Some(Chord { key, ctrl, alt, shift })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<String> {
        chord(KeyEvent::new(code, modifiers)).map(|chord| chord.to_string())
    }

    #[test]
    fn keys_become_chords() {
        let none = KeyModifiers::NONE;
        assert_eq!(pressed(KeyCode::Char('G'), KeyModifiers::SHIFT).as_deref(), Some("G"));
        assert_eq!(pressed(KeyCode::Char('ㅓ'), none).as_deref(), Some("ㅓ"));
        assert_eq!(pressed(KeyCode::BackTab, KeyModifiers::SHIFT).as_deref(), Some("shift-tab"));
        assert_eq!(pressed(KeyCode::Char('Z'), KeyModifiers::CONTROL).as_deref(), Some("ctrl-shift-z"));
        assert_eq!(pressed(KeyCode::Char('h'), KeyModifiers::CONTROL).as_deref(), Some("backspace"));
        assert_eq!(pressed(KeyCode::Enter, KeyModifiers::ALT).as_deref(), Some("alt-enter"));
        assert_eq!(pressed(KeyCode::CapsLock, none), None);
    }

    #[test]
    fn a_release_is_no_key() {
        let event =
            KeyEvent { kind: KeyEventKind::Release, ..KeyEvent::new(KeyCode::Char('a'), KeyModifiers::NONE) };
        assert_eq!(chord(event), None);
    }
}
