//! What a file of results is, by its name, and its text.

use crate::export::sweep::{Report, SampleDocument, Shapes, SweepDocument, csv, html, markdown};
use crate::plan::Plan;
use serde::Serialize;

/// What a file of results can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// For people, with tables.
    Markdown,
    /// A row per sample.
    Csv,
    /// One object.
    Json,
    /// An object per sample.
    Lines,
    /// One page that needs nothing beside it.
    Page,
    /// The sweep itself, to be run again.
    Plan,
}

impl Document {
    /// Returns what a file is to be, by the ending of its name.
    ///
    /// # Errors
    /// Says which endings there are.
    pub fn of_name(name: &str) -> Result<Self, String> {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
        match ending.as_deref() {
            Some("md" | "markdown") => Ok(Self::Markdown),
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            Some("jsonl" | "ndjson") => Ok(Self::Lines),
            Some("html" | "htm") => Ok(Self::Page),
            Some("toml") => Ok(Self::Plan),
            Some(_) | None => Err(format!(
                "'{name}' does not say what it is to be: end its name in .md, .csv, .json, .jsonl, .html, or \
                 .toml for the sweep itself"
            )),
        }
    }

    /// Returns the text of the file.
    ///
    /// # Errors
    /// Says what of the sweep cannot be said in a file.
    pub fn text(self, report: &Report<'_>, shapes: &Shapes) -> Result<String, String> {
        Ok(match self {
            Self::Markdown => markdown(report),
            Self::Csv => csv(report),
            Self::Page => html(report),
            Self::Json => line(&SweepDocument(report))?,
            Self::Lines => {
                let samples = 0..report.bench.slots().len();
                samples
                    .map(|sample| line(&SampleDocument { report, shapes, sample }))
                    .collect::<Result<_, _>>()?
            }
            Self::Plan => {
                let mut plan = Plan::of(report.bench.sweep());
                plan.checks = report.checks.iter().map(|check| (*check).clone()).collect();
                plan.budget = report.bench.terms().budget;
                plan.concurrency = Some(report.bench.terms().lanes);
                plan.print()?
            }
        })
    }
}

/// Returns a value as a line of JSON in which every character that could act on a terminal is escaped: such
/// characters stand in strings only.
fn line(value: &impl Serialize) -> Result<String, String> {
    let json = serde_json::to_string(value).map_err(|error| error.to_string())?;
    let acts = |c: char| {
        matches!(c, '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if !json.contains(acts) {
        return Ok(json + "\n");
    }
    let mut harmless = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if acts(c) { harmless.push_str(&format!("\\u{:04x}", c as u32)) } else { harmless.push(c) }
    }
    Ok(harmless + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_name_ends_in() {
        assert_eq!(Document::of_name("a.b/results.HTML"), Ok(Document::Page));
        assert_eq!(Document::of_name("비교.toml"), Ok(Document::Plan));
        for name in ["results", "results.", "results.txt", ""] {
            assert!(Document::of_name(name).unwrap_err().contains(".jsonl"), "{name}");
        }
    }

    #[test]
    fn a_line_holds_nothing_that_acts_on_a_terminal() {
        assert_eq!(line(&"a\u{9b}31m\u{202e}b\x1b한").unwrap(), "\"a\\u009b31m\\u202eb\\u001b한\"\n");
    }
}
