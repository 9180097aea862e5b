//! Voting blind on the columns of a comparison.
//!
//! Owns which keys vote and what may not be done meanwhile: whatever would tell a column by its name, its
//! figures or its colours waits until a vote was cast. Commands that are added later are told from those
//! that may by their group, so none of them gives a column away by mistake.

use crate::app::chord::{Chord, Key};
use crate::app::command::{Command, Group, Place, spec_of};
use crate::app::compare::vote::{DIGITS, letter};
use crate::app::msg::Effects;
use crate::app::on_compare::NO_CELL;
use crate::app::{App, Screen};

impl App {
    /// Shuffles the columns and takes their names away, to be voted on.
    pub(super) fn vote_blind(&mut self) {
        let Some(bench) = &self.compare.bench else {
            self.say(NO_CELL);
            return;
        };
        if !bench.is_over() {
            let stop = self.key(Command::StopAll, Place::Grid);
            self.say(format!("answers are still to come: wait, or stop them with {stop}"));
            return;
        }
        let answered = (0..self.compare.board.columns).filter(|column| self.has_answers(*column)).count();
        if answered < 2 {
            self.say("a vote needs two columns with answers");
            return;
        }
        let number = self.ids.number();
        self.compare.begin_vote(number);
        self.say_how_to_vote();
    }

    /// Whether a cell of a column has an answer.
    fn has_answers(&self, column: usize) -> bool {
        let rows = self.compare.board.rows;
        let says = |cell: usize| self.compare.answers(cell).any(|run| !run.text.is_empty());
        (column * rows..(column + 1) * rows).any(says)
    }

    /// Takes a key while columns are voted on; `None` where it means what it always does.
    pub(super) fn on_ballot(&mut self, chord: Chord) -> Option<Effects> {
        if !self.compare.is_voting() {
            return None;
        }
        let place = match chord.typed().and_then(|c| c.to_digit(10)) {
            Some(digit) => usize::try_from(digit).ok()?.checked_sub(1)?,
            // Columns past the ninth are voted for where the cursor is.
            None if chord == Chord::plain(Key::Enter) => {
                self.compare.place_of(self.compare.board.place(self.compare.cursor).0)
            }
            None => return None,
        };
        self.cast(place);
        Some(Effects::none())
    }

    /// Votes for the column in a place and names all.
    fn cast(&mut self, place: usize) {
        let column = self.compare.blind.as_ref().and_then(|blind| blind.column(place));
        let Some(column) = column else {
            self.say_how_to_vote();
            return;
        };
        if !self.has_answers(column) {
            self.say(format!("{} has no answer to vote for", letter(place)));
            return;
        }
        self.compare.vote(place);
        let cell = column * self.compare.board.rows;
        let labels = self.compare.bench.as_ref().map(|bench| bench.sweep().labels(cell));
        let name = labels.and_then(|labels| labels.first().map(|label| (*label).to_owned()));
        let again = self.key(Command::VoteBlind, Place::Grid);
        let back = self.key(Command::Stop, Place::Grid);
        self.say(format!(
            "{} is {}: {again} votes again, {back} puts the columns back",
            letter(place),
            name.unwrap_or_default()
        ));
    }

    /// Puts the columns back without a vote.
    pub(super) fn leave_vote(&mut self) {
        self.compare.end_vote();
        self.say("no vote was cast");
    }

    /// Whether a command would tell what a column is while they are voted on.
    pub(super) fn would_tell(&self, command: Command) -> bool {
        let moves = [
            Command::NextColumn,
            Command::PreviousColumn,
            Command::NextRow,
            Command::PreviousRow,
            Command::NextSample,
            Command::PreviousSample,
            Command::ScrollTogether,
            Command::EditSweep,
        ];
        let shows = [Command::Inspect, Command::CycleHeat, Command::ShowRequest];
        let is_of = |group| spec_of(command).group == group;
        self.compare.is_voting()
            && self.screen == Screen::Compare
            && (shows.contains(&command)
                || is_of(Group::Inspector)
                || is_of(Group::Compare) && !moves.contains(&command))
    }

    pub(super) fn say_how_to_vote(&mut self) {
        let columns = self.compare.board.columns;
        let leave = self.key(Command::Stop, Place::Grid);
        let digits = columns.min(DIGITS);
        let rest = if columns > DIGITS { ", Enter for the column under the cursor" } else { "" };
        self.say(format!(
            "1 to {digits} votes for A to {}{rest}; {leave} leaves",
            letter(digits.saturating_sub(1))
        ));
    }
}
