//! What the loop needs of a terminal, so that tests can stand in for one.

use crate::app::App;
use crate::tui::theme::Theme;
use crossterm::event::Event;
use futures_util::Stream;
use std::io;

/// A terminal, or a test's.
pub trait Front {
    /// Its input.
    type Events: Stream<Item = io::Result<Event>> + Unpin;

    /// Returns the input from now on. Dropping it gives the keyboard up.
    fn events(&mut self) -> Self::Events;

    /// Draws a frame.
    ///
    /// # Errors
    /// When the terminal is gone.
    fn paint(&mut self, app: &App, theme: &Theme) -> io::Result<()>;

    /// Makes the next frame draw every cell.
    ///
    /// # Errors
    /// When the terminal is gone.
    fn redraw(&mut self) -> io::Result<()>;

    /// Gives the terminal to another program.
    fn suspend(&mut self);

    /// Takes it back.
    ///
    /// # Errors
    /// When the terminal is gone.
    fn resume(&mut self) -> io::Result<()>;

    /// Puts a text on the terminal's clipboard.
    ///
    /// # Errors
    /// When the terminal is gone.
    fn copy(&mut self, text: &str) -> io::Result<()>;

    /// Takes or releases the mouse.
    ///
    /// # Errors
    /// When the terminal is gone.
    fn capture_mouse(&mut self, on: bool) -> io::Result<()>;
}
