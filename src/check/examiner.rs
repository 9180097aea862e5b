//! Checks made ready, and the judging of answers by them.
//!
//! Owns compiled patterns and schemas, so that a thousand answers cost each of them once. What it takes of
//! an answer is small and plain, so that judging can be done elsewhere than where answers arrive.

use crate::check::{Check, Rule, compile};
use crate::core::fault::{Fault, FaultKind};
use crate::core::figure;
use crate::core::run::{Count, Run, RunStatus};
use crate::core::text::fit;
use crate::structured::document::Document;
use crate::structured::schema::Schema;
use regex::Regex;
use std::sync::Arc;

/// Widest part of a rule that a reason repeats, in cells.
const SHOWN_CELLS: usize = 48;

/// What came of a check for one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not; why, in one sentence without a trailing period.
    Failed(String),
    /// A program has to say, or the answer is still coming.
    Open,
}

/// How far an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Open,
    Complete,
    Failed,
    Stopped,
}

/// What checks are about: the text of an answer, its length, and whether that is all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    text: Arc<str>,
    tokens: Option<Count>,
    ending: Ending,
}

impl Answer {
    /// Returns what checks need of a run.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let ending = match &run.status {
            RunStatus::Done(_) => Ending::Complete,
            RunStatus::Failed(_) => Ending::Failed,
            RunStatus::Cancelled => Ending::Stopped,
            RunStatus::Queued | RunStatus::Connecting | RunStatus::Waiting { .. } | RunStatus::Streaming => {
                Ending::Open
            }
        };
        Self { text: run.text.as_str().into(), tokens: run.output_tokens(), ending }
    }

    /// Returns its text.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether it came to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ending == Ending::Complete
    }
}

/// What a rule was made into.
#[derive(Debug)]
enum Tool {
    None,
    Pattern(Regex),
    Schema(Box<Schema>),
}

/// Checks made ready for many answers.
#[derive(Debug)]
pub struct Examiner {
    checks: Vec<(Check, Tool)>,
}

impl Examiner {
    /// Returns an examiner for some checks.
    ///
    /// # Errors
    /// Says what is wrong with which pattern or schema.
    pub fn new(checks: impl IntoIterator<Item = Check>) -> Result<Self, Fault> {
        let wrong = |message: String| Fault::new(FaultKind::Local, message);
        let ready = |check: Check| {
            check.validate().map_err(wrong)?;
            let tool = match &check.rule {
                Rule::Regex(pattern) => Tool::Pattern(compile(pattern).map_err(wrong)?),
                Rule::JsonSchema(value) => Tool::Schema(Box::new(Schema::from_text(&value.to_string())?)),
                Rule::Contains(_) | Rule::MaxTokens(_) | Rule::Command(_) => Tool::None,
            };
            Ok((check, tool))
        };
        checks.into_iter().map(ready).collect::<Result<_, Fault>>().map(|checks| Self { checks })
    }

    /// Returns the checks in order.
    pub fn checks(&self) -> impl ExactSizeIterator<Item = &Check> {
        self.checks.iter().map(|(check, _)| check)
    }

    /// Returns the programs that checks name, with the numbers of the checks.
    pub fn commands(&self) -> impl Iterator<Item = (usize, &[String])> {
        self.checks().enumerate().filter_map(|(number, check)| Some((number, check.rule.command()?)))
    }

    /// Returns a verdict for each check; what a program has to say stays open.
    #[must_use]
    pub fn examine(&self, answer: &Answer) -> Vec<Verdict> {
        let all = |verdict: Verdict| vec![verdict; self.checks.len()];
        match answer.ending {
            Ending::Complete => {}
            Ending::Failed => return all(Verdict::Failed("there is no complete answer".to_owned())),
            Ending::Stopped => return all(Verdict::Failed("the answer was stopped".to_owned())),
            Ending::Open => return all(Verdict::Open),
        }
        let text = &*answer.text;
        let judge = |(check, tool): &(Check, Tool)| {
            let verdict = match (&check.rule, tool) {
                (Rule::Contains(wanted), _) => text
                    .contains(wanted.as_str())
                    .then_some(())
                    .ok_or_else(|| format!("'{}' is not in it", fit(wanted, SHOWN_CELLS))),
                (Rule::Regex(written), tool) => {
                    let is_match = matches!(tool, Tool::Pattern(pattern) if pattern.is_match(text));
                    is_match
                        .then_some(())
                        .ok_or_else(|| format!("nothing matches {}", fit(written, SHOWN_CELLS)))
                }
                (Rule::JsonSchema(_), Tool::Schema(schema)) => keeps_to(schema, text),
                (Rule::JsonSchema(_), _) => Err("the schema is not known".to_owned()),
                (Rule::MaxTokens(limit), _) => within(answer.tokens, *limit),
                (Rule::Command(_), _) => return Verdict::Open,
            };
            verdict.map_or_else(Verdict::Failed, |()| Verdict::Passed)
        };
        self.checks.iter().map(judge).collect()
    }

    /// Whether no required check failed for an answer with these verdicts.
    #[must_use]
    pub fn accepts(&self, verdicts: &[Verdict]) -> bool {
        self.checks()
            .zip(verdicts)
            .all(|(check, verdict)| !check.required || matches!(verdict, Verdict::Passed | Verdict::Open))
    }
}

/// Judges a text by a schema; an error says where it is broken first.
fn keeps_to(schema: &Schema, text: &str) -> Result<(), String> {
    let document = Document::read(text);
    if let Some(fault) = &document.fault {
        return Err(format!("it is no JSON: {fault}"));
    }
    let verdict = schema.verdict(text, &document).unwrap_or_default();
    verdict.violations.first().map_or(Ok(()), |violation| Err(violation.to_string()))
}

fn within(tokens: Option<Count>, limit: u64) -> Result<(), String> {
    match tokens {
        Some(count) if count.tokens() > limit => {
            Err(format!("it has {} tokens, not {} or less", figure::count(count), figure::whole(limit)))
        }
        Some(Count::Exact(_) | Count::Estimate(_)) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::RunId;
    use crate::core::request::{Request, Sampling};
    use crate::core::stream::{FinishReason, StreamEvent, Usage};
    use crate::core::time::Timestamp;

    fn run(text: &str, ending: Option<StreamEvent>) -> Run {
        let request = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            continuation: None,
            stream: true,
        };
        let mut run = Run::new(RunId(1), Arc::new(request), Timestamp::default());
        let usage = Usage { output_tokens: 7, ..Usage::default() };
        let text = StreamEvent::Delta { text: text.to_owned(), tokens: Vec::new() };
        for event in [Some(text), Some(StreamEvent::Usage(usage)), ending].into_iter().flatten() {
            run.apply(event, Timestamp::default());
        }
        run
    }

    fn verdicts(checks: &[&str], run: &Run) -> Vec<Verdict> {
        let checks = checks.iter().map(|check| Check::parse(check).unwrap());
        Examiner::new(checks).unwrap().examine(&Answer::of(run))
    }

    fn failed(reason: &str) -> Verdict {
        Verdict::Failed(reason.to_owned())
    }

    #[test]
    fn answers_are_held_to_the_rules() {
        let answer = run("서울의 국밥", Some(StreamEvent::Finished(FinishReason::Stop)));
        for (check, verdict) in [
            ("contains=국밥", Verdict::Passed),
            ("contains=빵", failed("'빵' is not in it")),
            (r"regex=^서\p{Hangul}", Verdict::Passed),
            ("regex=[0-9]", failed("nothing matches [0-9]")),
            ("max_tokens=7", Verdict::Passed),
            ("max_tokens=6", failed("it has 7 tokens, not 6 or less")),
            ("command=wc -l", Verdict::Open),
        ] {
            assert_eq!(verdicts(&[check], &answer), [verdict], "{check}");
        }
    }

    #[test]
    fn only_complete_answers_pass() {
        let cut = run("국밥", Some(StreamEvent::Failed(Fault::new(FaultKind::Cut, "cut"))));
        assert_eq!(verdicts(&["contains=국밥"], &cut), [failed("there is no complete answer")]);
        assert_eq!(verdicts(&["contains=국밥"], &run("국밥", None)), [Verdict::Open]);
    }

    #[test]
    fn required_checks_decide() {
        let (mut wanted, needed) = (Check::parse("contains=a").unwrap(), Check::parse("contains=b").unwrap());
        wanted.required = false;
        let examiner = Examiner::new(vec![wanted, needed]).unwrap();
        assert!(examiner.accepts(&[failed(""), Verdict::Passed]));
        assert!(!examiner.accepts(&[Verdict::Passed, failed("")]));
    }

    #[test]
    fn an_answer_is_held_to_a_schema() {
        let schema = r#"json_schema={"type":"object","required":["city"]}"#;
        let of = |text: &str| {
            let answer = run(text, Some(StreamEvent::Finished(FinishReason::Stop)));
            verdicts(&[schema], &answer).remove(0)
        };
        assert_eq!(of(r#"{"city":"서울"}"#), Verdict::Passed);
        let Verdict::Failed(reason) = of("{}") else { panic!("it lacks the city") };
        assert!(reason.contains("city"), "{reason}");
        let odd = Check::parse(r#"json_schema={"type":"thing"}"#).unwrap();
        assert!(Examiner::new([odd]).is_err());
    }
}
