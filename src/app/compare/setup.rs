//! What the next sweep is made of: axes, repeats, budget; the form in which they are edited, and the
//! outlook on what they take.
//!
//! Owns the values as they were typed and what each parameter begins with. It never asks anything: the
//! sweep is made of it when it is run.

use crate::app::compare::checks::CheckLine;
use crate::app::compare::planned::check_lines;
use crate::app::paces::{Speaker, speaker_of, speakers_of};
use crate::check::Check;
use crate::core::bench::Terms;
use crate::core::figure;
use crate::core::model::ModelCard;
use crate::core::request::{Request, Sampling};
use crate::core::run::Count;
use crate::core::sweep::pace::Pace;
use crate::core::sweep::preflight::{Budget, Load, Preflight, Worst};
use crate::core::sweep::template::places;
use crate::core::sweep::{Axis, Cell, Known, MAX_CELLS, PRESET_TEMPERATURES, Parameter, Sweep};
use crate::core::text::clusters;
use std::collections::HashMap;
use std::sync::Arc;

/// Most cells for which the outlook follows each key that is typed into the draft.
pub const LIVE_CELLS: usize = 256;

/// Most times each cell may be asked.
const MAX_REPEATS: u32 = 100;

/// What the next sweep is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// What varies, columns first.
    pub axes: Vec<Axis>,
    /// The axes as they were typed: a label may be shorter than its value.
    pub lines: Vec<Line>,
    /// How often each cell is asked.
    pub repeats: u32,
    /// What may be used.
    pub budget: Budget,
    /// The budget as it was typed.
    pub budget_line: String,
    /// Requests under way at once at each endpoint.
    pub lanes: usize,
    /// What the answers must hold.
    pub checks: Vec<Check>,
}

impl Default for Setup {
    fn default() -> Self {
        Self::of_temperatures(&PRESET_TEMPERATURES, 1, 1)
    }
}

impl Setup {
    /// Returns the setup that varies the temperature.
    #[must_use]
    pub fn of_temperatures(temperatures: &[f64], repeats: u32, lanes: usize) -> Self {
        let axes = vec![Axis::of_temperatures(temperatures)];
        Self {
            axes,
            lines: vec![Line::new(Parameter::Temperature, numbers(temperatures))],
            repeats: repeats.max(1),
            budget: Budget::default(),
            budget_line: String::new(),
            lanes,
            checks: Vec::new(),
        }
    }

    /// Returns how many requests it makes.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.cells() * self.repeats as usize
    }

    /// Returns how many cells it makes.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.axes.iter().map(|axis| axis.values().len()).product()
    }

    /// Returns within what the sweep works.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms { lanes: self.lanes, budget: self.budget }
    }
}

/// What an outlook was worked out from.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// Tokens of the prompt the axes begin with.
    pub input: Count,
    /// What all cells share.
    pub sampling: Sampling,
    /// The model in force, and where it is.
    pub model: Arc<str>,
    /// The endpoint in force.
    pub endpoint: Arc<str>,
    /// What is known of how fast models answer.
    pub paces: u64,
    /// The setup.
    pub setup: Setup,
    /// Whether that is only what the form says so far.
    pub is_edited: bool,
}

/// What a sweep would take, cell by cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// Sums, and what is known to be refused.
    pub preflight: Preflight,
    /// The most one request of each cell can take.
    pub worst: Vec<Worst>,
    /// Whether the input is the most it can be, as not all texts are counted.
    pub is_bound: bool,
}

impl Outlook {
    /// Returns the outlook on the cells of a sweep. `base` is the count of the prompt the axes begin with;
    /// a text that an axis puts in its place has one token per byte at most.
    #[must_use]
    pub fn of(
        sweep: &Sweep,
        cells: &[Cell],
        base: Count,
        card_of: &dyn Fn(&str) -> ModelCard,
        pace_of: &dyn Fn(&Speaker) -> Option<Pace>,
        lanes: usize,
    ) -> Self {
        let mut cards: HashMap<Arc<str>, ModelCard> = HashMap::new();
        for cell in cells {
            let model = &cell.request.model;
            cards.entry(Arc::clone(model)).or_insert_with(|| card_of(model));
        }
        let unknown = ModelCard::default();
        let paces: HashMap<Speaker, Option<Pace>> =
            speakers_of(cells).into_iter().map(|speaker| (speaker.clone(), pace_of(&speaker))).collect();
        let loads: Vec<Load<'_>> = cells
            .iter()
            .map(|cell| Load {
                input: input(sweep.base(), &cell.request, base),
                card: cards.get(&cell.request.model).unwrap_or(&unknown),
                pace: paces.get(&speaker_of(&cell.request)).copied().flatten(),
            })
            .collect();
        let is_bound = loads.iter().any(|load| load.input != base);
        let worst = cells.iter().zip(&loads).map(|(cell, load)| load.worst(&cell.request)).collect();
        Self { preflight: Preflight::of(sweep, cells, &loads, lanes), worst, is_bound }
    }
}

/// Returns the most tokens a cell's prompt can have.
fn input(base: &Request, request: &Request, count: Count) -> Count {
    if base.messages == request.messages && base.model == request.model {
        return count;
    }
    let differs = |(at, message): &(usize, &crate::core::request::Prompt)| {
        base.messages.get(*at).is_none_or(|own| own.content != message.content)
    };
    let changed = request.messages.iter().enumerate().filter(differs);
    let more: usize = changed.map(|(_, message)| message.content.len() + 4).sum();
    Count::Estimate(count.tokens() + more as u64)
}

/// The names lists of values may use, and what the axes of texts begin with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shelf {
    /// Personas with their system messages.
    pub personas: Vec<(String, String)>,
    /// Endpoints with the model each begins with.
    pub endpoints: Vec<(String, String)>,
    /// The model in force.
    pub model: String,
    /// The temperatures the configuration names.
    pub temperatures: Vec<f64>,
    /// What is being written, or was asked last.
    pub question: String,
}

impl Shelf {
    /// Returns the names for [`Axis::parse`].
    #[must_use]
    pub fn known(&self) -> Known<'_> {
        let model = |model: &str| !model.is_empty();
        Known {
            personas: self.personas.iter().map(|(name, system)| (name.as_str(), system.as_str())).collect(),
            endpoints: self
                .endpoints
                .iter()
                .map(|(name, own)| (name.as_str(), Some(own.as_str()).filter(|own| model(own))))
                .collect(),
        }
    }

    /// Returns the parameters an axis can have, in the order they are offered.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut all = vec![
            Parameter::Temperature,
            Parameter::Persona,
            Parameter::Prompt,
            Parameter::Model,
            Parameter::Endpoint,
            Parameter::Effort,
            Parameter::TopP,
            Parameter::Seed,
            Parameter::Format,
            Parameter::MaxTokens,
            Parameter::System,
        ];
        let mut names: Vec<&str> = places(&self.question).collect();
        names.sort_unstable();
        names.dedup();
        if !names.is_empty() {
            all.push(Parameter::Rows);
        }
        all.extend(names.into_iter().map(|name| Parameter::Variable(name.into())));
        all
    }

    /// Returns the values a parameter begins with, as they are typed.
    #[must_use]
    pub fn begins_with(&self, parameter: &Parameter) -> String {
        match parameter {
            Parameter::Temperature => numbers(&self.temperatures),
            Parameter::TopP => "0.5, 0.9, 1".to_owned(),
            Parameter::Seed => "1..5".to_owned(),
            Parameter::MaxTokens => "64, 256".to_owned(),
            Parameter::Effort => "low, medium, high".to_owned(),
            Parameter::Format => "text, json_object".to_owned(),
            Parameter::Persona => listed(self.personas.iter().map(|(name, _)| name.as_str())),
            Parameter::Endpoint => listed(self.endpoints.iter().map(|(name, _)| name.as_str())),
            Parameter::Model => listed([self.model.as_str()]),
            // A question on each line.
            Parameter::Prompt => listed(self.question.lines().map(str::trim).filter(|line| !line.is_empty())),
            Parameter::System | Parameter::Variable(_) | Parameter::Rows => String::new(),
        }
    }
}

/// Returns texts as a list is typed: one that holds a comma or a quote is quoted.
pub(super) fn listed<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let quoted = |text: &str| {
        if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
    };
    texts.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// Returns numbers as a list is typed.
fn numbers(numbers: &[f64]) -> String {
    numbers.iter().map(|number| figure::parameter(*number)).collect::<Vec<_>>().join(" ")
}

/// One axis as it is typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What varies.
    pub parameter: Parameter,
    /// Its values.
    pub values: String,
    /// The axis itself where typing cannot say it, until the line is typed over.
    pub given: Option<Axis>,
}

impl Line {
    /// Returns the line that says what is typed in it.
    #[must_use]
    pub fn new(parameter: Parameter, values: String) -> Self {
        Self { parameter, values, given: None }
    }
}

/// A row of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// An axis.
    Axis(usize),
    /// The place for one more axis.
    Add,
    /// How often each cell is asked.
    Repeats,
    /// What may be used.
    Budget,
    /// What an answer must hold.
    Check(usize),
    /// The place for one more check.
    AddCheck,
}

/// The setup being edited.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// The axes, columns first.
    pub lines: Vec<Line>,
    /// How often each cell is asked.
    pub repeats: String,
    /// What may be used.
    pub budget: String,
    /// What the answers must hold.
    pub checks: Vec<CheckLine>,
    /// Number of the selected row.
    pub selected: usize,
    /// Whether the selected row was typed into, so that it is gone on with.
    pub is_typing: bool,
    /// Why it cannot be taken.
    pub error: Option<String>,
    shelf: Shelf,
}

impl Form {
    /// Returns the form of a setup.
    #[must_use]
    pub fn of(setup: &Setup, shelf: Shelf) -> Self {
        Self {
            lines: setup.lines.clone(),
            repeats: setup.repeats.to_string(),
            budget: setup.budget_line.clone(),
            checks: check_lines(&setup.checks),
            selected: 0,
            is_typing: false,
            error: None,
            shelf,
        }
    }

    /// Returns the rows.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = (0..self.lines.len()).map(Row::Axis).collect();
        rows.extend([Row::Add, Row::Repeats, Row::Budget]);
        rows.extend((0..self.checks.len()).map(Row::Check));
        rows.push(Row::AddCheck);
        rows
    }

    /// Returns the selected row.
    #[must_use]
    pub fn row(&self) -> Row {
        self.rows().get(self.selected).copied().unwrap_or(Row::Add)
    }

    /// Moves the selection, staying inside the form.
    pub fn step(&mut self, by: isize) {
        self.selected = self.selected.saturating_add_signed(by).min(self.rows().len() - 1);
        self.is_typing = false;
    }

    /// Types a character: the first one takes the place of what stood there.
    pub fn type_char(&mut self, c: char) {
        match self.row() {
            Row::Add => self.add(),
            Row::AddCheck => self.add_check(),
            Row::Axis(_) | Row::Repeats | Row::Budget | Row::Check(_) => {}
        }
        let is_first = !std::mem::replace(&mut self.is_typing, true);
        self.error = None;
        if let Some(check) = self.check_mut() {
            if is_first {
                check.clear();
            }
            check.push(c);
        }
        if let Some(text) = self.text_mut() {
            if is_first {
                text.clear();
            }
            text.push(c);
        }
    }

    /// Takes the last character away.
    pub fn erase(&mut self) {
        self.is_typing = true;
        self.error = None;
        if let Some(check) = self.check_mut() {
            check.erase();
        }
        if let Some(text) = self.text_mut() {
            let end = clusters(text).next_back().map_or(0, |(at, _)| at);
            text.truncate(end);
        }
    }

    fn text_mut(&mut self) -> Option<&mut String> {
        match self.row() {
            Row::Axis(at) => self.lines.get_mut(at).map(|line| {
                line.given = None;
                &mut line.values
            }),
            Row::Add | Row::Check(_) | Row::AddCheck => None,
            Row::Repeats => Some(&mut self.repeats),
            Row::Budget => Some(&mut self.budget),
        }
    }

    /// Varies another parameter, adds an axis, or asks more or less often.
    pub fn turn(&mut self, forward: bool) {
        self.error = None;
        match self.row() {
            Row::Axis(at) => {
                let free = self.free(Some(at));
                let own = free.iter().position(|parameter| *parameter == self.lines[at].parameter);
                let last = free.len().saturating_sub(1);
                let next = match (own, forward) {
                    (None, _) => 0,
                    (Some(own), true) => {
                        if own == last {
                            0
                        } else {
                            own + 1
                        }
                    }
                    (Some(0), false) => last,
                    (Some(own), false) => own - 1,
                };
                if let Some(parameter) = free.into_iter().nth(next) {
                    let values = self.shelf.begins_with(&parameter);
                    self.lines[at] = Line::new(parameter, values);
                }
                self.is_typing = false;
            }
            Row::Add => self.add(),
            Row::Repeats => {
                let count: u32 = self.repeats.trim().parse().unwrap_or(1);
                let next = if forward { count.saturating_add(1) } else { count.saturating_sub(1) };
                self.repeats = next.clamp(1, MAX_REPEATS).to_string();
            }
            Row::Budget => {}
            Row::Check(_) | Row::AddCheck => self.turn_check(forward),
        }
    }

    /// Takes an axis away, or what stands in the row; the last axis stays.
    pub fn remove(&mut self) {
        self.error = None;
        match self.row() {
            Row::Axis(at) if self.lines.len() > 1 => {
                self.lines.remove(at);
            }
            Row::Axis(_) | Row::Add => {}
            Row::Repeats => "1".clone_into(&mut self.repeats),
            Row::Budget => self.budget.clear(),
            Row::Check(at) => {
                self.checks.remove(at);
            }
            Row::AddCheck => {}
        }
        self.is_typing = false;
    }

    /// Adds an axis of the first parameter that has none.
    fn add(&mut self) {
        if let Some(parameter) = self.free(None).into_iter().next() {
            self.selected = self.lines.len();
            let values = self.shelf.begins_with(&parameter);
            self.lines.push(Line::new(parameter, values));
            self.is_typing = false;
        }
    }

    /// Returns the parameters no other axis varies.
    fn free(&self, except: Option<usize>) -> Vec<Parameter> {
        let others = self.lines.iter().enumerate().filter(|(at, _)| Some(*at) != except);
        let taken: Vec<&Parameter> = others.map(|(_, line)| &line.parameter).collect();
        self.shelf.parameters().into_iter().filter(|parameter| !taken.contains(&parameter)).collect()
    }

    /// Returns the setup that is written here.
    ///
    /// # Errors
    /// The number of the row that is wrong, and what to write in it.
    pub fn setup(&self, lanes: usize) -> Result<Setup, (usize, String)> {
        let known = self.shelf.known();
        let mut axes = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            axes.push(line.axis(&known).map_err(|error| (at, error))?);
        }
        let repeats =
            self.repeats.trim().parse::<u32>().ok().filter(|count| (1..=MAX_REPEATS).contains(count));
        let repeats = repeats.ok_or_else(|| {
            (self.lines.len() + 1, format!("how often: write a number from 1 to {MAX_REPEATS}"))
        })?;
        let budget = match self.budget.trim() {
            "" => Budget::default(),
            text => Budget::parse(text).map_err(|error| (self.lines.len() + 2, error))?,
        };
        let budget_line = self.budget.trim().to_owned();
        let checks = self.checks()?;
        let setup = Setup { axes, lines: self.lines.clone(), repeats, budget, budget_line, lanes, checks };
        if setup.requests() > MAX_CELLS {
            return Err((0, format!("that makes {} requests, at most {MAX_CELLS}", setup.requests())));
        }
        Ok(setup)
    }
}
