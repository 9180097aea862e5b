//! What the answers of a comparison are held to: the checks as they are typed, and what came of them.
//!
//! Owns the lines of the form and the verdicts on the samples. Judging is done elsewhere, as a schema or a
//! program takes longer than a frame; a verdict carries the number of the judging it was asked in.
//!
//! Invariant: a sample has either no verdicts or one for each check.

use crate::app::compare::Compare;
use crate::app::compare::setup::{Form, Row, Setup};
use crate::check::{Check, Examiner, Rule, Verdict};
use crate::core::bench::State;
use crate::core::text::clusters;

/// A check as it is typed: its kind, and what follows the `=` of `--check`.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckLine {
    /// Its kind, of [`Rule::KINDS`].
    pub kind: &'static str,
    /// What the rule is about.
    pub text: String,
    /// What that says, or what is wrong with it.
    check: Result<Check, String>,
    /// Whether the kind was chosen, so that the text is taken as it is.
    is_chosen: bool,
}

impl CheckLine {
    /// Returns the line that says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::typed(Rule::KINDS[0], String::new(), false)
    }

    /// Returns the line of a check. It keeps its name and whether it is required until it is typed over.
    #[must_use]
    pub fn of(check: &Check) -> Self {
        let (kind, text) = check.rule.typed();
        Self { kind, text, check: Ok(check.clone()), is_chosen: false }
    }

    fn typed(kind: &'static str, text: String, is_chosen: bool) -> Self {
        let check = Check::parse(&format!("{kind}={text}"));
        Self { kind, text, check, is_chosen }
    }

    /// Returns the check; `None` for a line without a text.
    ///
    /// # Errors
    /// Says what is wrong with it and what to write.
    pub fn check(&self) -> Result<Option<Check>, String> {
        if self.text.trim().is_empty() { Ok(None) } else { self.check.clone().map(Some) }
    }

    /// Types a character. A kind and `=`, as `--check` has them, choose the kind.
    pub fn push(&mut self, c: char) {
        let named = Rule::KINDS.into_iter().find(|kind| *kind == self.text.trim());
        *self = match named.filter(|_| c == '=' && !self.is_chosen) {
            Some(kind) => Self::typed(kind, String::new(), true),
            None => {
                let text = format!("{}{c}", self.text);
                Self::typed(self.kind, text, self.is_chosen)
            }
        };
    }

    /// Takes the last character away.
    pub fn erase(&mut self) {
        let end = clusters(&self.text).next_back().map_or(0, |(at, _)| at);
        *self = Self::typed(self.kind, self.text[..end].to_owned(), self.is_chosen);
    }

    /// Takes the text away.
    pub fn clear(&mut self) {
        *self = Self::typed(self.kind, String::new(), self.is_chosen);
    }

    /// Makes the text another kind of rule.
    pub fn turn(&mut self, forward: bool) {
        let kinds = Rule::KINDS.len();
        let at = Rule::KINDS.iter().position(|kind| *kind == self.kind).unwrap_or(0);
        let next = if forward { at + 1 } else { at + kinds - 1 };
        *self = Self::typed(Rule::KINDS[next % kinds], std::mem::take(&mut self.text), true);
    }
}

impl Default for CheckLine {
    fn default() -> Self {
        Self::new()
    }
}

impl Form {
    /// Returns the checks that are written here.
    ///
    /// # Errors
    /// The number of the row that is wrong, and what to write in it.
    pub(super) fn checks(&self) -> Result<Vec<Check>, (usize, String)> {
        let check = |(at, line): (usize, &CheckLine)| {
            line.check().map_err(|error| (self.row_of_check(at), error)).transpose()
        };
        self.checks.iter().enumerate().filter_map(check).collect()
    }

    /// Returns the setup if answers can be held to its checks; schemas are made ready for that.
    ///
    /// # Errors
    /// The number of the row that is wrong, and why.
    pub fn judged(&self, setup: Setup) -> Result<Setup, (usize, String)> {
        for (at, line) in self.checks.iter().enumerate() {
            if let Ok(Some(check)) = line.check() {
                Examiner::new([check]).map_err(|fault| (self.row_of_check(at), fault.to_string()))?;
            }
        }
        Ok(setup)
    }

    /// Returns the number of the row of a check.
    #[must_use]
    pub fn row_of_check(&self, check: usize) -> usize {
        self.rows().iter().position(|row| *row == Row::Check(check)).unwrap_or(0)
    }

    /// Returns the check that the selected row is.
    pub(super) fn check_mut(&mut self) -> Option<&mut CheckLine> {
        match self.row() {
            Row::Check(at) => self.checks.get_mut(at),
            Row::Axis(_)
            | Row::Add
            | Row::Repeats
            | Row::Budget
            | Row::AddCheck
            | Row::MaxTokens
            | Row::Timeout => None,
        }
    }

    /// Adds a check and goes to it.
    pub(super) fn add_check(&mut self) {
        self.checks.push(CheckLine::new());
        self.selected = self.row_of_check(self.checks.len() - 1);
        self.is_typing = false;
    }

    /// Makes the check another kind of rule, or adds one.
    pub(super) fn turn_check(&mut self, forward: bool) {
        match self.check_mut() {
            Some(check) => check.turn(forward),
            None => self.add_check(),
        }
    }
}

/// How many answers passed, of those that were judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    /// Answers that passed.
    pub passed: usize,
    /// Answers of which that is known.
    pub judged: usize,
}

impl Rate {
    /// Returns the rate as a share; `None` where nothing is judged.
    #[must_use]
    pub fn share(self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "there are some thousand answers at most")]
        let share = self.passed as f64 / self.judged as f64;
        (self.judged > 0).then_some(share)
    }
}

/// The checks of a comparison and the verdicts on its samples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checks {
    all: Vec<Check>,
    verdicts: Vec<Vec<Verdict>>,
    number: u64,
    revision: u64,
    /// Whether programs are asked about the answers.
    pub runs_programs: bool,
}

impl Compare {
    /// Whether programs are being asked about the answer of a sample.
    #[must_use]
    pub fn is_checking(&self, sample: usize) -> bool {
        let slot = self.bench.as_ref().and_then(|bench| bench.slots().get(sample));
        self.checks.runs_programs
            && slot.is_some_and(|slot| slot.state() == State::Done)
            && self
                .checks
                .on(sample)
                .any(|(check, verdict)| check.rule.command().is_some() && *verdict == Verdict::Open)
    }
}

impl Checks {
    /// Holds so many samples to some checks from here on; what was judged is forgotten.
    pub fn begin(&mut self, checks: Vec<Check>, samples: usize) {
        self.verdicts = vec![Vec::new(); samples];
        self.all = checks;
        self.number += 1;
        self.revision += 1;
    }

    /// Returns the checks.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.all
    }

    /// Returns the verdicts, sample by sample.
    #[must_use]
    pub fn verdicts(&self) -> &[Vec<Verdict>] {
        &self.verdicts
    }

    /// Returns the number of the judging: verdicts of another are of no use.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns what says whether a verdict has come since.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Takes the verdicts on a sample.
    pub fn judged(&mut self, sample: usize, verdicts: Vec<Verdict>) {
        if let Some(place) = self.verdicts.get_mut(sample).filter(|_| verdicts.len() == self.all.len()) {
            *place = verdicts;
            self.revision += 1;
        }
    }

    /// Forgets the verdicts on a sample that is asked again.
    pub fn forget(&mut self, sample: usize) {
        if let Some(place) = self.verdicts.get_mut(sample).filter(|place| !place.is_empty()) {
            place.clear();
            self.revision += 1;
        }
    }

    /// Returns the checks with the verdicts on a sample; nothing before it was judged.
    pub fn on(&self, sample: usize) -> impl Iterator<Item = (&Check, &Verdict)> {
        self.all.iter().zip(self.verdicts.get(sample).into_iter().flatten())
    }

    /// Returns how many verdicts on a sample are good, and how many are bad.
    #[must_use]
    pub fn counts(&self, sample: usize) -> (usize, usize) {
        let of = |is_it: fn(&Verdict) -> bool| self.on(sample).filter(|(_, own)| is_it(own)).count();
        (of(|own| *own == Verdict::Passed), of(|own| matches!(own, Verdict::Failed(_))))
    }

    /// Returns what a sample does not pass, with the reasons.
    #[must_use]
    pub fn failures(&self, sample: usize) -> Vec<String> {
        let failure = |(check, verdict): (&Check, &Verdict)| match verdict {
            Verdict::Failed(reason) => Some(format!("{check}: {reason}")),
            Verdict::Passed | Verdict::Open => None,
        };
        self.on(sample).filter_map(failure).collect()
    }

    /// Returns how many of some samples pass every check. One that fails a check is judged, however many
    /// verdicts are still to come.
    #[must_use]
    pub fn rate(&self, samples: impl IntoIterator<Item = usize>) -> Rate {
        let mut rate = Rate::default();
        for sample in samples {
            let (passed, failed) = self.counts(sample);
            let is_passed = !self.all.is_empty() && passed == self.all.len();
            rate.passed += usize::from(is_passed);
            rate.judged += usize::from(is_passed || failed > 0);
        }
        rate
    }

    /// Returns how many of some samples pass one check.
    #[must_use]
    pub fn rate_of(&self, check: usize, samples: impl IntoIterator<Item = usize>) -> Rate {
        let verdicts = samples.into_iter().filter_map(|sample| self.verdicts.get(sample)?.get(check));
        verdicts.fold(Rate::default(), |rate, verdict| match verdict {
            Verdict::Passed => Rate { passed: rate.passed + 1, judged: rate.judged + 1 },
            Verdict::Failed(_) => Rate { judged: rate.judged + 1, ..rate },
            Verdict::Open => rate,
        })
    }

    /// Returns the programs that the checks name.
    pub fn commands(&self) -> impl Iterator<Item = &[String]> {
        self.all.iter().filter_map(|check| check.rule.command())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> CheckLine {
        text.chars().fold(CheckLine::new(), |mut line, c| {
            line.push(c);
            line
        })
    }

    #[test]
    fn a_line_is_written_with_its_kind_or_without() {
        for (typed, kind, rest) in [
            ("bread", "contains", "bread"),
            ("regex=^a=b$", "regex", "^a=b$"),
            ("contains=regex=x", "contains", "regex=x"),
            ("a=b", "contains", "a=b"),
            ("max_tokens=20", "max_tokens", "20"),
        ] {
            let line = written(typed);
            assert_eq!((line.kind, line.text.as_str()), (kind, rest), "{typed}");
            assert_eq!(line.check().unwrap(), Some(Check::parse(&format!("{kind}={rest}")).unwrap()));
        }
        assert!(written("regex=(").check().unwrap_err().contains("is no pattern"));
        assert_eq!(CheckLine::new().check(), Ok(None));
    }

    #[test]
    fn a_check_of_a_file_keeps_its_name_until_it_is_typed_over() {
        let check =
            Check { name: Some("이름".to_owned()), required: false, ..Check::parse("contains=a").unwrap() };
        let mut line = CheckLine::of(&check);
        assert_eq!(line.check(), Ok(Some(check)));
        line.push('b');
        assert_eq!(line.check(), Ok(Some(Check::parse("contains=ab").unwrap())));
        line.turn(false);
        line.turn(false);
        assert_eq!((line.kind, line.check().is_err()), ("json_schema", true));
        line.erase();
        assert_eq!(line.text, "a");
    }

    #[test]
    fn rates_count_what_is_known() {
        let mut checks = Checks::default();
        checks.begin(["contains=a", "command=true"].map(|text| Check::parse(text).unwrap()).to_vec(), 3);
        let failed = || Verdict::Failed("no".to_owned());
        checks.judged(0, vec![Verdict::Passed, Verdict::Open]);
        assert_eq!(checks.rate(0..3), Rate::default());
        checks.judged(0, vec![Verdict::Passed, Verdict::Passed]);
        checks.judged(1, vec![failed(), Verdict::Open]);
        checks.judged(2, vec![Verdict::Passed]);
        assert_eq!(checks.rate(0..3), Rate { passed: 1, judged: 2 });
        assert_eq!(checks.rate_of(0, 0..3), Rate { passed: 1, judged: 2 });
        assert_eq!(checks.rate_of(1, 0..3), Rate { passed: 1, judged: 1 });
        assert_eq!(checks.failures(1), ["contains 'a': no"]);
        assert_eq!((checks.counts(1), checks.counts(2)), ((0, 1), (0, 0)));
    }
}
