//! A sweep's file that was read, and how its axes stand in the form.
//!
//! Owns the lines: what can be typed is written as it would be, all else stands by the names of its values
//! until it is typed over. What the file means was decided before it came here.

use crate::app::compare::checks::CheckLine;
use crate::app::compare::setup::{Line, Setup, Shelf, listed};
use crate::check::Check;
use crate::core::request::Role;
use crate::core::sweep::preflight::Budget;
use crate::core::sweep::{Axis, Known, Parameter, Setting, Sweep};
use std::sync::Arc;

/// What a file asks, within what, and what the answers must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The file.
    pub path: String,
    /// The requests.
    pub sweep: Sweep,
    /// Each axis as the file has it, where it was typed there or is a file of rows.
    pub typed: Vec<Option<String>>,
    /// What the answers must hold.
    pub checks: Vec<Check>,
    /// What it may use.
    pub budget: Budget,
    /// Requests under way at once at each endpoint.
    pub lanes: usize,
}

impl Planned {
    /// Returns the setup, typed with the names of a shelf.
    #[must_use]
    pub fn setup(&self, names: &Shelf) -> Setup {
        let setup = setup_of(&self.sweep, &self.typed, &self.checks, names);
        let (budget, budget_line) = (self.budget, budget_line(&self.budget));
        Setup { budget, budget_line, lanes: self.lanes, ..setup }
    }

    /// Returns the question, and how many messages stand before it.
    ///
    /// # Errors
    /// Says why it is nothing that is asked at the end of a conversation.
    pub fn question(&self) -> Result<(Arc<str>, usize), String> {
        const ENDS: &str =
            "its messages do not end in a question, which only `tokenscope compare --file` can ask";
        let messages = &self.sweep.base().messages;
        let is_silent = |role: Role, text: &str| role == Role::Assistant && text.is_empty();
        if messages.iter().any(|message| is_silent(message.role, &message.content)) {
            return Err("it has an empty answer, which only `tokenscope compare --file` can send".to_owned());
        }
        match messages.last() {
            Some(last) if last.role == Role::User => Ok((Arc::clone(&last.content), messages.len() - 1)),
            // An axis of prompts puts its own in the place of the last one there is, or else at the end.
            _ if messages.iter().all(|message| message.role != Role::User) => {
                let prompts = self.sweep.axes().iter().filter(|axis| *axis.parameter() == Parameter::Prompt);
                let first = prompts.flat_map(Axis::values).find_map(|value| value.setting.text()).cloned();
                first.map(|question| (question, messages.len())).ok_or_else(|| ENDS.to_owned())
            }
            _ => Err(ENDS.to_owned()),
        }
    }
}

/// Returns the setup of a sweep with no budget and a single lane, typed with the names of a shelf where its axes
/// were not typed before.
#[must_use]
pub fn setup_of(sweep: &Sweep, typed: &[Option<String>], checks: &[Check], names: &Shelf) -> Setup {
    let typed = typed.iter().map(Option::as_deref).chain(std::iter::repeat(None));
    let lines = sweep.axes().iter().zip(typed);
    Setup {
        axes: sweep.axes().to_vec(),
        lines: lines.map(|(axis, typed)| Line::of(axis, typed, names)).collect(),
        repeats: sweep.repeats(),
        budget: Budget::default(),
        budget_line: String::new(),
        lanes: 1,
        checks: checks.to_vec(),
    }
}

impl Line {
    /// Returns the line of an axis that a file has, as it was typed there or as it would be.
    #[must_use]
    pub fn of(axis: &Axis, typed: Option<&str>, shelf: &Shelf) -> Self {
        let parameter = axis.parameter().clone();
        let known = shelf.known();
        let is_same = |text: &str| {
            let is_one_line = !text.chars().any(char::is_control);
            is_one_line && Axis::parse(parameter.clone(), text, &known).as_ref() == Ok(axis)
        };
        let written = listed(axis.values().iter().map(|value| spelled(&value.setting, &value.label)));
        let values =
            typed.filter(|text| is_same(text)).or(Some(written.as_str()).filter(|text| is_same(text)));
        match values {
            Some(values) => Self { values: values.to_owned(), parameter, given: None },
            None => {
                let names = || listed(axis.values().iter().map(|value| &*value.label));
                Self { values: typed.map_or_else(names, str::to_owned), parameter, given: Some(axis.clone()) }
            }
        }
    }

    /// Returns the axis that stands here.
    ///
    /// # Errors
    /// Says what is wrong with which value, and what to write.
    pub fn axis(&self, known: &Known<'_>) -> Result<Axis, String> {
        match &self.given {
            Some(axis) => Ok(axis.clone()),
            None if self.unread().is_some() => Err("the file is not read yet: Enter reads it".to_owned()),
            None if self.parameter == Parameter::Rows => {
                Err("rows come from a file: write the path of a CSV or JSONL file".to_owned())
            }
            None => Axis::parse(self.parameter.clone(), &self.values, known),
        }
    }

    /// Returns the file of rows that is to be read before the line says anything.
    #[must_use]
    pub fn unread(&self) -> Option<&str> {
        let is_unread = self.parameter == Parameter::Rows && self.given.is_none();
        Some(self.values.trim()).filter(|path| is_unread && !path.is_empty())
    }
}

/// Returns a value as it is typed: a label may be shorter than a text.
fn spelled<'a>(setting: &'a Setting, label: &'a str) -> &'a str {
    match setting {
        Setting::Prompt(text) | Setting::Model(text) | Setting::System(Some(text)) => text,
        Setting::Variables(values) if values.len() == 1 => values.values().next().map_or(label, |text| text),
        Setting::Temperature(_)
        | Setting::TopP(_)
        | Setting::MaxTokens(_)
        | Setting::Seed(_)
        | Setting::Effort(_)
        | Setting::Format(_)
        | Setting::Persona(_)
        | Setting::System(None)
        | Setting::Endpoint { .. }
        | Setting::Variables(_) => label,
    }
}

/// Returns a budget as it is typed.
fn budget_line(budget: &Budget) -> String {
    let parts = [
        budget.requests.map(|requests| format!("requests={requests}")),
        budget.dollars.map(|dollars| format!("dollars={dollars}")),
        budget.seconds.map(|seconds| format!("seconds={seconds}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Returns the lines of some checks.
pub(super) fn check_lines(checks: &[Check]) -> Vec<CheckLine> {
    checks.iter().map(CheckLine::of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::request::{Prompt, Request, Sampling};

    fn shelf() -> Shelf {
        Shelf { personas: vec![("chef".to_owned(), "You cook.".to_owned())], ..Shelf::default() }
    }

    fn axis(parameter: &Parameter, list: &str) -> Axis {
        Axis::parse(parameter.clone(), list, &shelf().known()).unwrap()
    }

    #[test]
    fn an_axis_stands_as_it_is_typed_where_that_says_the_same() {
        let temperature = axis(&Parameter::Temperature, "0.2..0.6 step 0.2");
        let line = |axis: &Axis, typed| Line::of(axis, typed, &shelf());
        assert_eq!(line(&temperature, Some("0.2..0.6 step 0.2")).values, "0.2..0.6 step 0.2");
        assert_eq!(line(&temperature, None).values, "0.2, 0.4, 0.6");
        let long = "a question that is longer than a label may be, with a comma";
        let prompts = axis(&Parameter::Prompt, &format!("\"{long}\", short"));
        let written = line(&prompts, None);
        assert_eq!((written.values, written.given), (format!("\"{long}\", short"), None));
        // A persona of the file's own is not on the shelf.
        let mut known = shelf();
        known.personas.push(("poet".to_owned(), "You rhyme.".to_owned()));
        let personas = Axis::parse(Parameter::Persona, "chef, poet", &known.known()).unwrap();
        assert_eq!(line(&personas, Some("chef, poet")).given, Some(personas));
        let lines = axis(&Parameter::Variable("x".into()), "\"one\ntwo\"");
        assert_eq!(line(&lines, None).given, Some(lines));
    }

    #[test]
    fn a_question_is_what_the_messages_end_in() {
        let of = |roles: &[(Role, &str)], axes: Vec<Axis>| {
            let messages = roles.iter().map(|(role, text)| Prompt::new(*role, *text)).collect();
            let base = Request {
                endpoint: "e".into(),
                model: "m".into(),
                messages,
                sampling: Sampling::default(),
                continuation: None,
                stream: true,
            };
            let sweep = Sweep::new(base, axes, 1).unwrap();
            let (budget, path) = (Budget::default(), String::new());
            Planned { path, sweep, typed: Vec::new(), checks: Vec::new(), budget, lanes: 1 }.question()
        };
        let prompts = || vec![axis(&Parameter::Prompt, "하나, two")];
        assert_eq!(of(&[(Role::System, "s"), (Role::User, "q")], Vec::new()), Ok(("q".into(), 1)));
        assert_eq!(of(&[(Role::System, "s")], prompts()), Ok(("하나".into(), 1)));
        assert!(of(&[(Role::User, "q"), (Role::Assistant, "a")], prompts()).is_err());
        assert!(of(&[(Role::Assistant, ""), (Role::User, "q")], Vec::new()).is_err());
        assert_eq!(budget_line(&Budget::parse("requests=3,dollars=0.5").unwrap()), "requests=3, dollars=0.5");
    }
}
