//! Lists and tables laid over the screen: palette, pickers, parameters, help, the raw request.
//!
//! Owns what is open and where the selection is. It never runs anything itself: accepting a row
//! hands its [`Choice`] back to the app.

use crate::app::command::{COMMANDS, Command};
use crate::app::compare::setup::Form;
use crate::app::inspector::Found;
use crate::app::keymap::Keymap;
use crate::app::line_edit::LineEdit;
use crate::app::pieces::Pieces;
use crate::app::probing::Probing;
use crate::app::settings::Parameter;
use crate::core::job::RecordId;
use crate::core::text::clusters;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// What a row of a list stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Run this command.
    Command(Command),
    /// Use this model.
    Model(String),
    /// Use the endpoint of this index.
    Endpoint(usize),
    /// Use this theme.
    Theme(String),
    /// Open this comparison.
    Sweep(RecordId),
}

/// One row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What is searched and shown first.
    pub label: String,
    /// What is shown dim at the right.
    pub detail: String,
    /// What it stands for.
    pub choice: Choice,
}

/// What was pressed in a list before its rows were there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ahead {
    /// Rows to go on.
    pub steps: isize,
    /// Whether the row is taken.
    pub is_taken: bool,
}

/// A list with a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Its title.
    pub title: &'static str,
    /// What was typed.
    pub filter: String,
    /// All rows.
    pub items: Vec<Item>,
    /// Indices of the rows that match, best first.
    pub matches: Vec<usize>,
    /// Position of the selection among the matches.
    pub selected: usize,
    /// What stands in place of the rows while there are none.
    pub note: String,
    /// What is in force, in a list of which one row is.
    pub current_choice: Option<Choice>,
    /// What is done once the rows are there, while they are read.
    pub ahead: Option<Ahead>,
}

impl List {
    /// Returns a list of rows with nothing filtered.
    #[must_use]
    pub fn new(title: &'static str, items: Vec<Item>, note: impl Into<String>) -> Self {
        let mut list = Self {
            title,
            filter: String::new(),
            items,
            matches: Vec::new(),
            selected: 0,
            note: note.into(),
            current_choice: None,
            ahead: None,
        };
        list.refilter();
        list
    }

    /// Takes note of what is in force and puts the selection on its row.
    #[must_use]
    pub fn select(mut self, choice: Choice) -> Self {
        let at = self.matches.iter().position(|index| self.items[*index].choice == choice);
        self.selected = at.unwrap_or(0);
        self.current_choice = Some(choice);
        self
    }

    /// Returns the selected row.
    #[must_use]
    pub fn current(&self) -> Option<&Item> {
        self.matches.get(self.selected).map(|index| &self.items[*index])
    }

    /// Moves the selection, staying inside the list.
    pub fn step(&mut self, by: isize) {
        if let Some(ahead) = &mut self.ahead {
            ahead.steps = ahead.steps.saturating_add(by).max(0);
        }
        self.selected = self.selected.saturating_add_signed(by).min(self.matches.len().saturating_sub(1));
    }

    /// Finds the rows that match the filter, best first.
    pub fn refilter(&mut self) {
        self.selected = 0;
        if let Some(ahead) = &mut self.ahead {
            *ahead = Ahead::default();
        }
        if self.filter.trim().is_empty() {
            self.matches = (0..self.items.len()).collect();
            return;
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(&self.filter, CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = self
            .items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| {
                let text = format!("{} {}", item.label, item.detail);
                Some((pattern.score(Utf32Str::new(&text, &mut buffer), &mut matcher)?, index))
            })
            .collect();
        scored.sort_by_key(|(score, index)| (std::cmp::Reverse(*score), *index));
        self.matches = scored.into_iter().map(|(_, index)| index).collect();
    }
}

/// The table of sampling parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Index into [`Parameter::ALL`].
    pub selected: usize,
    /// What is being typed for the selected one.
    pub typing: Option<String>,
    /// Why the last value was not taken.
    pub error: Option<String>,
}

impl Parameters {
    /// Returns the selected parameter.
    #[must_use]
    pub fn current(&self) -> Parameter {
        Parameter::ALL[self.selected.min(Parameter::ALL.len() - 1)]
    }
}

impl Parameters {
    /// Returns the file of a schema, where one is being typed as the form of the answer.
    #[must_use]
    pub fn schema_file(&self) -> Option<String> {
        let typed = self.typing.as_deref().filter(|_| self.current() == Parameter::ResponseFormat)?.trim();
        let is_name = matches!(typed, "" | "text" | "json" | "json_object");
        (!is_name).then(|| typed.to_owned())
    }
}

/// A single line that is being edited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompt {
    /// The line.
    pub line: LineEdit,
    /// Why it was not taken.
    pub error: Option<String>,
    /// Where in the answer it was found.
    pub found: Option<Found>,
    /// How far the file is that it names, where it names one to be written.
    pub filing: Filing,
}

impl Prompt {
    /// Returns a line of which nothing came yet.
    #[must_use]
    pub fn new(line: LineEdit) -> Self {
        Self { line, ..Self::default() }
    }

    /// Returns what was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        self.line.text()
    }
}

/// How far a file is that is to be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Filing {
    /// It is being named.
    #[default]
    Named,
    /// It is being written.
    Written,
    /// There is one of this name, which is written over when the name is taken again.
    There,
}

/// What is done once the user has said whether programs may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The comparison is asked.
    Ask,
    /// The answers there are are judged.
    Judge,
}

/// Programs that are to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowing {
    /// Each with its arguments.
    pub commands: Vec<Vec<String>>,
    /// What follows.
    pub then: Then,
    /// First line shown.
    pub scroll: usize,
}

/// What lies over the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// All keys.
    Help {
        /// First line shown.
        scroll: usize,
    },
    /// A list to choose from.
    List(List),
    /// The sampling parameters.
    Parameters(Parameters),
    /// What the next comparison is made of.
    Sweep(Form),
    /// The file a comparison is written into.
    Export(Prompt),
    /// The file of a sweep to open.
    OpenFile(Prompt),
    /// Programs that checks name, to be allowed.
    Allow(Allowing),
    /// What is looked for in the inspected answer.
    Find(Prompt),
    /// What is written about a cell of a comparison.
    Note(Prompt),
    /// What is looked for in the labels of a comparison.
    Filter(Prompt),
    /// What a probe costs, how far it is, what it found out.
    Probe(Probing),
    /// The library of personas; what is done in it is [`App::personas`](crate::app::App::personas)'s.
    Personas,
    /// The tokens of the draft or of a message.
    Tokens(Pieces),
    /// The raw request and response of the inspected answer.
    Request {
        /// First line shown.
        scroll: usize,
    },
}

impl Overlay {
    /// Returns the list of all commands with their keys.
    #[must_use]
    pub fn palette(keymap: &Keymap) -> Self {
        let items = COMMANDS
            .iter()
            .filter(|spec| {
                spec.group != crate::app::command::Group::Overlay && spec.command != Command::Palette
            })
            .map(|spec| Item {
                label: spec.title.to_owned(),
                detail: format!(
                    "{}  {}",
                    spec.id,
                    keymap.keys(spec.command).first().cloned().unwrap_or_default()
                ),
                choice: Choice::Command(spec.command),
            })
            .collect();
        Self::List(List::new("commands", items, "no command matches"))
    }
}

/// Removes the last grapheme cluster of a line that is being typed.
pub fn backspace(line: &mut String) {
    let end = clusters(line).next_back().map_or(0, |(at, _)| at);
    line.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_narrows_the_palette_to_the_command() {
        let Overlay::List(mut list) = Overlay::palette(&Keymap::default()) else { panic!("not a list") };
        list.filter = "side".to_owned();
        list.refilter();
        assert_eq!(
            list.current().map(|item| item.choice.clone()),
            Some(Choice::Command(Command::ShowCompare))
        );
        list.filter = "zzzz".to_owned();
        list.refilter();
        assert_eq!(list.current(), None);
        list.step(5);
        assert_eq!(list.selected, 0);
    }

    #[test]
    fn backspace_removes_a_whole_character() {
        let mut line = "가👨‍👩‍👧".to_owned();
        backspace(&mut line);
        assert_eq!(line, "가");
        backspace(&mut line);
        backspace(&mut line);
        assert_eq!(line, "");
    }
}
