//! What the next sweep is made of: axes, repeats, budget, checks; and the form in which they are
//! edited.
//!
//! Owns the values as they were typed and what each parameter begins with. It never asks anything: the
//! sweep is made of it when it is run.

use crate::app::compare::bounds::Bounds;
use crate::app::compare::checks::CheckLine;
use crate::app::compare::planned::check_lines;
use crate::app::settings::{self, Settings};
use crate::check::Check;
use crate::core::bench::Terms;
use crate::core::figure;
use crate::core::sweep::preflight::Budget;
use crate::core::sweep::template::places;
use crate::core::sweep::{Axis, Known, MAX_CELLS, PRESET_TEMPERATURES, Parameter};
use crate::core::text::clusters;

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
    /// The longest answer.
    MaxTokens,
    /// The longest wait. It and the longest answer come last: from the first row they are a key away.
    Timeout,
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
    /// What bounds each request.
    pub bounds: Bounds,
    /// Number of the selected row.
    pub selected: usize,
    /// Whether the selected row was typed into, so that it is gone on with.
    pub is_typing: bool,
    /// Why it cannot be taken.
    pub error: Option<String>,
    shelf: Shelf,
}

impl Form {
    /// Returns the form of a setup and of what bounds each request.
    #[must_use]
    pub fn of(setup: &Setup, settings: &Settings, shelf: Shelf) -> Self {
        Self {
            lines: setup.lines.clone(),
            repeats: setup.repeats.to_string(),
            budget: setup.budget_line.clone(),
            checks: check_lines(&setup.checks),
            bounds: Bounds::of(settings),
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
        rows.extend([Row::AddCheck, Row::MaxTokens, Row::Timeout]);
        rows
    }

    /// Returns the selected row.
    #[must_use]
    pub fn row(&self) -> Row {
        self.rows().get(self.selected).copied().unwrap_or(Row::Add)
    }

    /// Takes in which personas there are.
    pub fn learn(&mut self, personas: Vec<(String, String)>) {
        self.shelf.personas = personas;
    }

    /// Adds a persona to the values of the axis of personas, where there is one that lacks it.
    pub fn add_persona(&mut self, name: &str) {
        let Some(line) = self.lines.iter_mut().find(|line| line.parameter == Parameter::Persona) else {
            return;
        };
        let name = listed([name]);
        let has_it = line.values.split(',').any(|own| own.trim() == name);
        if !has_it {
            let comma = if line.values.trim().is_empty() { "" } else { ", " };
            line.values = format!("{}{comma}{name}", line.values.trim_end_matches([',', ' ']));
        }
        (self.is_typing, self.error) = (true, None);
    }

    /// Moves the selection; a single step goes round at the ends.
    pub fn step(&mut self, by: isize) {
        let last = self.rows().len() - 1;
        self.selected = match by {
            -1 if self.selected == 0 => last,
            1 if self.selected == last => 0,
            _ => self.selected.saturating_add_signed(by).min(last),
        };
        self.is_typing = false;
    }

    /// Types a character: the first one takes the place of what stood there.
    pub fn type_char(&mut self, c: char) {
        match self.row() {
            Row::Add => self.add(),
            Row::AddCheck => self.add_check(),
            Row::Axis(_) | Row::Repeats | Row::Budget | Row::Check(_) | Row::MaxTokens | Row::Timeout => {}
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

    /// Goes on in what stands in the row, so that typing adds to it.
    pub fn go_on(&mut self) {
        self.is_typing = true;
    }

    /// Whether the row is typed in, so that turning it would drop what was typed.
    #[must_use]
    pub fn holds_typed(&self) -> bool {
        let is_text = |text: &str| !text.is_empty();
        self.is_typing
            && match self.row() {
                Row::Axis(at) => self.lines.get(at).is_some_and(|line| is_text(&line.values)),
                Row::Check(at) => self.checks.get(at).is_some_and(|line| is_text(&line.text)),
                Row::Add | Row::Repeats | Row::Budget | Row::AddCheck | Row::MaxTokens | Row::Timeout => {
                    false
                }
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
            Row::MaxTokens => Some(&mut self.bounds.max_tokens),
            Row::Timeout => Some(&mut self.bounds.timeout),
        }
    }

    /// Varies another parameter, adds an axis, or asks more or less often. What is being typed stays: its row is
    /// left first.
    pub fn turn(&mut self, forward: bool) {
        if self.holds_typed() {
            return;
        }
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
            Row::MaxTokens => self.bounds.step_max_tokens(forward),
            Row::Timeout => self.bounds.step_timeout(forward),
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
            Row::MaxTokens => self.bounds.max_tokens.clear(),
            Row::Timeout => self.bounds.timeout.clear(),
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

    /// Returns the settings with the bounds that are written here.
    ///
    /// # Errors
    /// The number of the row that is wrong, and what to write in it.
    pub fn settings(&self) -> Result<Settings, (usize, String)> {
        self.bounds.settings().map_err(|(parameter, error)| {
            let wrong = if parameter == settings::Parameter::Timeout { Row::Timeout } else { Row::MaxTokens };
            (self.rows().iter().position(|row| *row == wrong).unwrap_or(0), error)
        })
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
