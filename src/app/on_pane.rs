//! Panes: focus, mouse, scrolling, zoom, and the walk through the tokens.

use crate::app::chord::Chord;
use crate::app::command::Place;
use crate::app::compare::lens::Lens;
use crate::app::inspector::{Sheet, Target};
use crate::app::layout::{ENDING_ROWS, Layout, Rect};
use crate::app::msg::{Effects, Mouse, MouseKind};
use crate::app::{App, Home, Screen};
use crate::core::bench::Bench;

/// What is laid over the board of a comparison, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    /// One pane takes the whole screen.
    Pane,
    /// Columns are voted on.
    Vote,
    Inspector,
    /// One cell takes the whole width.
    Cell,
    /// A reading takes the place of the cells.
    Reading,
    /// Columns stand where they were voted on.
    Letters,
    Filter,
}

impl App {
    /// Returns what is nearest over the board.
    fn nearest(&self) -> Option<Layer> {
        let compare = Some(&self.compare).filter(|_| self.screen == Screen::Compare)?;
        // Who writes sees them, but thinks of the draft.
        let is_reading = self.focus == Place::Grid;
        let layers = [
            (self.zoomed, Layer::Pane),
            (compare.is_voting(), Layer::Vote),
            (compare.inspecting, Layer::Inspector),
            (compare.zoomed, Layer::Cell),
            (is_reading && compare.whole().is_some(), Layer::Reading),
            (compare.blind.is_some(), Layer::Letters),
            (is_reading && compare.filter.is_on(), Layer::Filter),
        ];
        layers.into_iter().find_map(|(is_there, layer)| is_there.then_some(layer))
    }

    /// Takes away what is nearest over the board; returns whether there was something.
    pub(super) fn close_nearest(&mut self) -> bool {
        let Some(layer) = self.nearest() else { return false };
        match layer {
            Layer::Pane => self.zoomed = false,
            Layer::Vote => self.leave_vote(),
            Layer::Inspector => {
                self.compare.inspecting = false;
                self.focus = Place::Grid;
            }
            Layer::Cell => self.compare.zoomed = false,
            Layer::Reading => self.compare.lenses.lens = Lens::Text,
            Layer::Letters => self.compare.end_vote(),
            Layer::Filter => {
                self.compare.set_filter("");
            }
        }
        true
    }

    /// Whether answers of the comparison are under way, or will be without the user's doing.
    #[must_use]
    pub fn is_comparing(&self) -> bool {
        let is_asked = || self.homes.values().any(|home| matches!(home, Home::Compare));
        self.compare.bench.as_ref().is_some_and(Bench::is_going) || is_asked()
    }

    /// Whether there is something of the comparison to stop, though it waits for the user only.
    pub(super) fn is_stoppable(&self) -> bool {
        self.is_comparing() || self.compare.bench.as_ref().is_some_and(|bench| !bench.is_over())
    }

    /// Returns in a word what Esc does on the board; nothing where it only goes to the draft.
    #[must_use]
    pub fn esc_does(&self) -> Option<&'static str> {
        let stops = || self.is_comparing().then_some("stop all");
        let word = |layer| match layer {
            Layer::Pane | Layer::Cell => "unzoom",
            Layer::Vote => "leave",
            Layer::Inspector => "close",
            Layer::Reading => "cells",
            Layer::Letters => "columns back",
            Layer::Filter => "show all",
        };
        self.nearest().map(word).or_else(stops)
    }

    pub(super) fn on_mouse(&mut self, mouse: Mouse) -> Effects {
        if self.overlay.is_some() {
            let step = match mouse.kind {
                MouseKind::WheelUp => -3,
                MouseKind::WheelDown => 3,
                MouseKind::Press | MouseKind::Drag => return Effects::none(),
            };
            self.scroll_overlay(step);
            return Effects::none();
        }
        let Layout { transcript, inspector, tokens, composer, .. } = self.layout;
        let on = |rect: Rect| rect.contains(mouse.x, mouse.y);
        let in_inspector = on(inspector) || on(tokens);
        match mouse.kind {
            MouseKind::WheelUp | MouseKind::WheelDown => {
                let lines: isize = if mouse.kind == MouseKind::WheelUp { -3 } else { 3 };
                if in_inspector && self.inspector.sheet == Sheet::Endings {
                    self.choose_ending(lines.signum());
                } else if in_inspector {
                    self.inspector.step_row(lines.signum());
                    self.reveal_token();
                } else if on(transcript) {
                    self.scroll_main(lines);
                }
            }
            MouseKind::Press => {
                if on(composer) {
                    self.focus = Place::Composer;
                } else if in_inspector {
                    self.focus = Place::Inspector;
                    self.press_inspector(mouse);
                } else if on(transcript) {
                    self.press_main(mouse);
                }
            }
            MouseKind::Drag => {
                if in_inspector {
                    self.press_inspector(mouse);
                }
            }
        }
        Effects::none()
    }

    fn press_main(&mut self, mouse: Mouse) {
        match self.screen {
            Screen::Chat => {
                self.focus = Place::Transcript;
                let row = mouse.y.saturating_sub(self.layout.transcript.y + 1);
                if let Some(line) = self.transcript.lines().get(usize::from(row)) {
                    self.transcript.selected = Some(self.conversation.messages[line.message].id);
                }
            }
            Screen::Compare => {
                self.focus = Place::Grid;
                if self.compare.whole().is_some() {
                    // No cell is on screen, and a cursor that nobody sees must not move.
                    return;
                }
                let cells = self.compare.cells(self.layout.transcript.below_axis());
                if let Some((index, _)) = cells.into_iter().find(|(_, rect)| rect.contains(mouse.x, mouse.y))
                {
                    self.compare.cursor = index;
                }
            }
        }
    }

    pub(super) fn scroll_main(&mut self, lines: isize) {
        match self.screen {
            Screen::Chat => self.transcript.scroll(lines),
            Screen::Compare => self.compare.scroll(lines),
        }
    }

    /// Returns the panes the keyboard can be in, in the order Tab visits them.
    pub(super) fn stops(&self) -> &'static [Place] {
        match self.screen {
            Screen::Chat => &[Place::Composer, Place::Transcript, Place::Inspector],
            Screen::Compare if self.compare.inspecting => &[Place::Composer, Place::Grid, Place::Inspector],
            Screen::Compare => &[Place::Composer, Place::Grid],
        }
    }

    pub(super) fn move_focus(&mut self, forward: bool) {
        let stops = self.stops();
        let at = stops.iter().position(|place| *place == self.focus).unwrap_or(0);
        let next = if forward { at + 1 } else { at + stops.len() - 1 };
        self.focus = stops[next % stops.len()];
    }

    /// Goes to a screen. A key that types nothing is pressed while writing too, and what is typed next is
    /// meant for the draft; a single letter is pressed while reading, and reading goes on.
    pub(super) fn go_to(&mut self, screen: Screen, chord: Chord) {
        let was = self.screen;
        self.show(screen);
        let reads = screen == Screen::Compare && !self.compare.is_empty();
        if was != screen && chord.typed().is_none() && !reads {
            self.focus = Place::Composer;
        }
    }

    pub(super) fn show(&mut self, screen: Screen) {
        if self.screen == screen {
            return;
        }
        self.screen = screen;
        self.inspector.show(Target::Newest);
        self.compare.inspecting = false;
        self.zoomed = false;
        if !self.stops().contains(&self.focus) {
            self.focus = match screen {
                Screen::Chat => Place::Transcript,
                Screen::Compare if self.compare.is_empty() => Place::Composer,
                Screen::Compare => Place::Grid,
            };
        }
    }

    pub(super) fn on_zoom(&mut self) {
        match self.screen {
            Screen::Compare if !self.compare.inspecting => self.compare.zoomed = !self.compare.zoomed,
            Screen::Chat | Screen::Compare => self.zoomed = !self.zoomed,
        }
    }

    pub(super) fn on_toggle_memory(&mut self) {
        self.conversation.memory = !self.conversation.memory;
        self.history_changed = true;
        self.say(if self.conversation.memory {
            "memory on: each request sends the history"
        } else {
            "memory off: each request sends only the system message and this message"
        });
    }

    /// Returns the lines of a page, a little less than the pane: a line of it stays in view.
    pub(super) fn page(&self) -> isize {
        if self.focus == Place::Inspector {
            let rows = match self.inspector.sheet {
                Sheet::Tokens => self.areas.table_rows(),
                Sheet::Json => usize::from(self.areas.table.height / 2),
                Sheet::Endings => usize::from(self.areas.table.height) / ENDING_ROWS,
            };
            return isize::try_from(rows.saturating_sub(1)).unwrap_or(1).max(1);
        }
        isize::try_from(self.layout.main.height).unwrap_or(1).max(4) - 3
    }

    pub(super) fn on_scroll(&mut self, lines: isize) {
        if self.focus == Place::Inspector && self.inspector.sheet == Sheet::Endings {
            self.choose_ending(lines);
        } else if self.focus == Place::Inspector {
            self.inspector.step_row(lines);
            self.reveal_token();
        } else {
            self.scroll_main(lines);
        }
    }

    pub(super) fn on_first(&mut self) {
        match (self.focus, self.screen) {
            (Place::Inspector, _) | (_, Screen::Compare) => self.on_scroll(isize::MIN / 2),
            (_, Screen::Chat) => self.transcript.to_start(&self.conversation),
        }
    }

    pub(super) fn on_last(&mut self) {
        match (self.focus, self.screen) {
            (Place::Inspector, _) => {
                self.inspector.follow();
                self.reveal_token();
            }
            (_, Screen::Compare) => self.scroll_main(isize::MAX / 2),
            (_, Screen::Chat) => {
                self.transcript.selected = None;
                self.transcript.follow();
            }
        }
    }
}
