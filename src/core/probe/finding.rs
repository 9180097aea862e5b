//! What a probe found out, with its date: as data to keep, and as lines to show.
//!
//! Owns the judgement of all answers together. Its words are the same on screen, in the terminal and in
//! JSON.

use super::Subject;
use super::answers::{Answers, Outcome};
use super::question::Question;
use super::stage::{Placing, place};
use super::verdict::{Given, Logprobs, Parameter, Prefill, REASON, Seeding, Verdict, said};
use crate::core::figure::whole;
use crate::core::provenance::{Basis, Provenance};
use crate::core::text::{fit, width};
use serde::{Deserialize, Serialize};

/// What was found out of a model at an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// Name of the endpoint in the configuration.
    pub endpoint: String,
    /// The model.
    pub model: String,
    /// The endpoint's base URL; empty for the sandbox.
    pub base_url: String,
    /// The day, as `2026-11-21` (UTC).
    pub date: String,
    /// Requests that were sent.
    pub requests: usize,
    /// Tokens that were answered.
    pub output_tokens: u64,
    /// Why not everything was tried, where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// Whether there are probabilities, and what comes with them.
    #[serde(flatten)]
    pub logprobs: Logprobs,
    /// Whether they are before or after temperature.
    pub placing: Placing,
    /// What became of each parameter, in the order they were tried.
    pub parameters: Vec<Parameter>,
    /// What a seed does.
    pub seed: Seeding,
    /// What becomes of a beginning with vLLM's two flags.
    pub prefill_flagged: Prefill,
    /// What becomes of one without any word about it.
    pub prefill_plain: Prefill,
}

impl Finding {
    /// Returns what the answers say.
    #[must_use]
    pub fn new(subject: &Subject, answers: &Answers, day: &str) -> Self {
        Self {
            endpoint: subject.endpoint.to_string(),
            model: subject.model.to_string(),
            base_url: subject.base_url.to_string(),
            date: day.to_owned(),
            requests: answers.len(),
            output_tokens: answers.output_tokens(),
            stopped_by: answers.stopped_by(),
            logprobs: logprobs(answers),
            placing: placing(answers),
            parameters: parameters(answers),
            seed: Seeding::of(answers),
            prefill_flagged: Prefill::of(answers.of(Question::PrefillFlagged)),
            prefill_plain: Prefill::of(answers.of(Question::PrefillPlain)),
        }
    }

    /// Returns what was probed.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::new(&self.endpoint, &self.model, &self.base_url)
    }

    /// Whether it is of this subject.
    #[must_use]
    pub fn is_of(&self, subject: &Subject) -> bool {
        *self.endpoint == *subject.endpoint
            && *self.model == *subject.model
            && *self.base_url == *subject.base_url
    }

    /// Returns where reported values stand, if the probe found out.
    #[must_use]
    pub fn provenance(&self) -> Option<Provenance> {
        let stage = self.placing.stage?;
        Some(Provenance { stage, basis: Basis::Probed })
    }

    /// Returns what became of a parameter, under its name in a request: `max_output_tokens` is refused
    /// only where both of its names on the wire are.
    #[must_use]
    pub fn verdict(&self, parameter: &str) -> &Verdict {
        let of = |name: &str| {
            let found = self.parameters.iter().find(|parameter| parameter.name == name);
            found.map_or(&Verdict::Untried, |parameter| &parameter.verdict)
        };
        match parameter {
            "max_output_tokens" => match (of("max_completion_tokens"), of("max_tokens")) {
                (Verdict::Accepted, _) => &Verdict::Accepted,
                (_, legacy) => legacy,
            },
            "response_format" => match (of("response_format json_object"), of("response_format json_schema"))
            {
                (object @ Verdict::Refused { .. }, Verdict::Refused { .. }) => object,
                (Verdict::Refused { .. }, schema) => schema,
                (object, _) => object,
            },
            "top_logprobs" => of("logprobs"),
            name => of(name),
        }
    }

    /// Returns why a parameter is refused, if it is.
    #[must_use]
    pub fn refusal(&self, parameter: &str) -> Option<&str> {
        match self.verdict(parameter) {
            Verdict::Refused { reason, .. } => Some(reason),
            Verdict::Accepted | Verdict::Ignored | Verdict::Failed { .. } | Verdict::Untried => None,
        }
    }

    /// Returns what is worth knowing of a parameter that is not refused: that it changes nothing, or less
    /// than it says.
    #[must_use]
    pub fn remark(&self, parameter: &str) -> Option<String> {
        if *self.verdict(parameter) == Verdict::Ignored {
            return Some("probed: ignored".to_owned());
        }
        match (parameter, &self.logprobs, self.seed) {
            ("top_logprobs", Logprobs::Given(given), _) if given.is_cut_short() => {
                Some(format!("probed: {} came where {} were asked for", given.most, given.asked))
            }
            ("seed", _, Seeding::NoEffect) => Some("probed: the same seed gave different answers".to_owned()),
            _ => None,
        }
    }

    /// Returns the names of the parameters that are refused.
    pub fn refused(&self) -> impl Iterator<Item = &str> {
        let is_refused = |parameter: &&Parameter| matches!(parameter.verdict, Verdict::Refused { .. });
        self.parameters.iter().filter(is_refused).map(|parameter| parameter.name.as_str())
    }

    /// Returns all of it, as names and what was found.
    #[must_use]
    pub fn lines(&self) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        let mut add = |name: &str, what: String| lines.push((name.to_owned(), what));
        match &self.logprobs {
            Logprobs::Given(given) => {
                let quiet = if given.needs_no_reasoning { ", only without reasoning" } else { "" };
                add("gives logprobs", format!("yes{quiet}"));
                let came = match (given.fewest, given.most) {
                    (fewest, most) if fewest == most => most.to_string(),
                    (fewest, most) => format!("{fewest} to {most}"),
                };
                let cut = if given.is_cut_short() { ": lists are cut short" } else { "" };
                add("candidates", format!("{came} where {} were asked for{cut}", given.asked));
                add("bytes", format!("{} of the tokens have theirs", given.bytes.words()));
                add("token numbers", format!("{} of the tokens have theirs", given.ids.words()));
            }
            Logprobs::Withheld => add("gives logprobs", "no, though the request is answered".to_owned()),
            Logprobs::Refused { reason } => add("gives logprobs", format!("refused: {reason}")),
            Logprobs::Unknown => add("gives logprobs", "not found out".to_owned()),
        }
        add("probabilities", format!("{}: {}", self.stage_words(), self.placing.reason));
        if self.placing.stage.is_none() {
            for reading in &self.placing.readings {
                add("", format!("\"{}\" {:.3} and {:.3}", reading.token, reading.low, reading.high));
            }
        }
        for parameter in &self.parameters {
            add(&parameter.name, parameter.verdict.words());
        }
        add("same seed", self.seed.words().to_owned());
        add("given a beginning", self.prefill_plain.words());
        add("and told to go on from it", self.prefill_flagged.words());
        if let Some(reason) = &self.stopped_by {
            add("not all tried", fit(reason, REASON));
        }
        let tokens = whole(self.output_tokens);
        add("asked", format!("{} requests, {tokens} tokens answered, {}", self.requests, self.date));
        lines
    }

    /// Returns the gist on one line.
    #[must_use]
    pub fn summary(&self) -> String {
        self.summary_in(usize::MAX)
    }

    /// Returns the gist on one line of at most so many cells: what there is no room for is left out whole,
    /// and refused parameters are counted before they are.
    #[must_use]
    pub fn summary_in(&self, cells: usize) -> String {
        let mut parts = vec![format!("probed {}", self.date)];
        match &self.logprobs {
            Logprobs::Given(given) => {
                parts.push(self.stage_words().to_owned());
                parts.push(format!("{} candidates", given.most));
            }
            Logprobs::Withheld | Logprobs::Refused { .. } => parts.push("no logprobs".to_owned()),
            Logprobs::Unknown => {}
        }
        let refused: Vec<&str> = self.refused().collect();
        if !refused.is_empty() {
            parts.push(format!("refuses {}", refused.join(", ")));
            if width(&parts.join(" · ")) > cells {
                parts.pop();
                let parameters = if refused.len() == 1 { "parameter" } else { "parameters" };
                parts.push(format!("refuses {} {parameters}", refused.len()));
            }
        }
        while parts.len() > 1 && width(&parts.join(" · ")) > cells {
            parts.pop();
        }
        fit(&parts.join(" · "), cells)
    }

    fn stage_words(&self) -> &'static str {
        match (self.placing.stage, &self.logprobs) {
            (Some(stage), _) => stage.name(),
            (None, Logprobs::Given(_)) => "stage unclear",
            (None, Logprobs::Withheld | Logprobs::Refused { .. } | Logprobs::Unknown) => "none",
        }
    }
}

fn logprobs(answers: &Answers) -> Logprobs {
    if let Some(way) = answers.way_to_logprobs() {
        return answers
            .reply(way.question)
            .map_or(Logprobs::Unknown, |reply| Logprobs::Given(Given::new(way, reply)));
    }
    match (answers.reply(Question::Candidates), answers.of(Question::Candidates)) {
        (Some(_), _) => Logprobs::Withheld,
        (None, Some(Outcome::Refused(fault))) => match answers.reply(Question::FewCandidates) {
            Some(_) => Logprobs::Withheld,
            None => Logprobs::Refused { reason: said(fault) },
        },
        (None, _) => Logprobs::Unknown,
    }
}

fn placing(answers: &Answers) -> Placing {
    if answers.way_to_logprobs().is_none() {
        return Placing::untried("there are no probabilities to compare");
    }
    let first =
        |question: Question| Some((question.temperature()?, answers.reply(question)?.tokens.first()?));
    let hotter = first(Question::Hot).or_else(|| first(Question::Warm));
    match (first(Question::Cool), hotter) {
        (Some(cool), Some(hot)) => place(cool, hot),
        _ => match answers.of(Question::Cool) {
            Some(Outcome::Refused(fault)) => {
                Placing::untried(format!("temperature is refused ({})", said(fault)))
            }
            Some(Outcome::Answered(_) | Outcome::Failed(_)) | None => {
                Placing::untried("there are no two answers to compare")
            }
        },
    }
}

/// Returns what became of the parameters, in the order they were tried.
fn parameters(answers: &Answers) -> Vec<Parameter> {
    let verdict = |question| {
        if answers.is_limit_ignored(question) { Verdict::Ignored } else { Verdict::of(answers.of(question)) }
    };
    let tried = [
        ("max_completion_tokens", verdict(Question::CompletionLimit)),
        ("max_tokens", verdict(Question::LegacyLimit)),
        ("reasoning_effort", Verdict::of(answers.of(Question::NoReasoning))),
        ("logprobs", logprobs_verdict(answers)),
        ("temperature", Verdict::of(answers.of(Question::Cool))),
        ("top_p", Verdict::of(answers.of(Question::TopP))),
        ("stop", Verdict::of(answers.of(Question::Stop))),
        ("presence_penalty", penalty(answers, "presence_penalty")),
        ("frequency_penalty", penalty(answers, "frequency_penalty")),
        ("logit_bias", Verdict::of(answers.of(Question::LogitBias))),
        ("response_format json_object", Verdict::of(answers.of(Question::JsonObject))),
        ("response_format json_schema", Verdict::of(answers.of(Question::JsonSchema))),
        ("seed", Verdict::of(answers.of(Question::Seed))),
    ];
    tried.into_iter().map(|(name, verdict)| Parameter { name: name.to_owned(), verdict }).collect()
}

/// Returns what became of logprobs: answered without any, they are ignored.
fn logprobs_verdict(answers: &Answers) -> Verdict {
    match logprobs(answers) {
        Logprobs::Given(_) => Verdict::Accepted,
        Logprobs::Withheld => Verdict::Ignored,
        Logprobs::Refused { .. } | Logprobs::Unknown => Verdict::of(answers.of(Question::Candidates)),
    }
}

/// Returns what became of one of the two penalties, which are tried together: a refusal that names one
/// says nothing of the other.
fn penalty(answers: &Answers, name: &str) -> Verdict {
    const BOTH: [&str; 2] = ["presence_penalty", "frequency_penalty"];
    let verdict = Verdict::of(answers.of(Question::Penalties));
    let is_others = matches!(
        &verdict,
        Verdict::Refused { param: Some(param), .. } if BOTH.contains(&param.as_str()) && param != name
    );
    if is_others { Verdict::Untried } else { verdict }
}

#[cfg(test)]
mod tests {
    use super::super::answers::tests::{ask, refused, reply, token};
    use super::super::verdict::Presence;
    use super::*;
    use crate::core::fault::Fault;
    use crate::core::fault::FaultKind;
    use crate::core::token::{Candidate, Piece};

    fn subject() -> Subject {
        Subject::new("e", "m", "http://h/v1")
    }

    fn found(answer: impl FnMut(Question) -> Outcome) -> Finding {
        Finding::new(&subject(), &ask(answer), "2026-11-21")
    }

    fn usual(question: Question) -> Outcome {
        let tokens = || vec![token(&[("cat", -0.5), ("dog", -1.5), ("emu", -2.5)])];
        if matches!(question, Question::PrefillFlagged) {
            reply(" once and more often.", Vec::new())
        } else if matches!(question, Question::PrefillPlain) {
            reply("\"Spaced repetition means", Vec::new())
        } else if matches!(question, Question::Seed | Question::SeedAgain) {
            reply("seven", Vec::new())
        } else {
            reply(&format!("{question:?}"), tokens())
        }
    }

    #[test]
    fn a_plain_server_is_found_to_be_one() {
        let finding = found(usual);
        let Logprobs::Given(given) = &finding.logprobs else { panic!("{finding:?}") };
        assert_eq!((given.asked, given.most, given.fewest), (20, 3, 3));
        assert!(given.is_cut_short() && !given.needs_no_reasoning);
        assert_eq!((given.bytes, given.ids), (Presence::All, Presence::None));
        assert_eq!(finding.provenance().unwrap().to_string(), "before temperature, probed");
        assert_eq!(finding.seed, Seeding::Repeats);
        assert_eq!(finding.prefill_flagged, Prefill::Continues);
        assert_eq!(finding.prefill_plain, Prefill::BeginsAgain);
        assert!(finding.parameters.iter().all(|parameter| parameter.verdict == Verdict::Accepted));
        assert_eq!(finding.summary(), "probed 2026-11-21 · before temperature · 3 candidates");
        assert_eq!(finding.stopped_by, None);
    }

    #[test]
    fn the_gist_leaves_out_whole_parts_and_lines_have_names_of_their_own() {
        let refusing = |question| {
            if question == Question::Penalties { refused(None, "no") } else { usual(question) }
        };
        let finding = found(refusing);
        let (when, stage) = ("probed 2026-11-21", "before temperature · 3 candidates");
        assert_eq!(
            finding.summary(),
            format!("{when} · {stage} · refuses presence_penalty, frequency_penalty")
        );
        assert_eq!(finding.summary_in(76), format!("{when} · {stage} · refuses 2 parameters"));
        assert_eq!(finding.summary_in(60), format!("{when} · {stage}"));
        let mut names: Vec<_> = finding.lines().into_iter().map(|(name, _)| name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
    }

    #[test]
    fn a_finding_is_read_back_as_it_was_written() {
        let refusing = |question| {
            if question == Question::TopP { refused(Some("top_p"), "no top_p here") } else { usual(question) }
        };
        for finding in [found(usual), found(refusing), found(|_| refused(None, "no")), Finding::default()] {
            let json = serde_json::to_string(&finding).unwrap();
            assert_eq!(serde_json::from_str::<Finding>(&json).unwrap(), finding, "{json}");
        }
        let json = serde_json::to_value(found(refusing)).unwrap();
        assert_eq!(json["logprobs"], "given");
        assert_eq!(json["placing"]["stage"], "before_temperature");
        let top_p = json["parameters"].as_array().unwrap().iter().find(|p| p["name"] == "top_p").unwrap();
        assert_eq!((&top_p["verdict"], &top_p["param"]), (&"refused".into(), &"top_p".into()));
    }

    #[test]
    fn refusals_name_the_parameter_and_the_reason() {
        let finding = found(|question| {
            if question == Question::Cool {
                refused(Some("temperature"), "Only the default (1) value is supported")
            } else if question == Question::Penalties {
                refused(Some("presence_penalty"), "no penalties")
            } else if question == Question::CompletionLimit {
                refused(None, "unknown field")
            } else {
                usual(question)
            }
        });
        assert_eq!(finding.refusal("temperature"), Some("Only the default (1) value is supported"));
        assert_eq!(finding.refusal("presence_penalty"), Some("no penalties"));
        assert_eq!(*finding.verdict("frequency_penalty"), Verdict::Untried);
        assert_eq!(finding.refusal("max_output_tokens"), None, "one of its names works");
        assert_eq!(finding.provenance(), None);
        assert!(finding.placing.reason.starts_with("temperature is refused"), "{finding:?}");
        let refused: Vec<&str> = finding.refused().collect();
        assert_eq!(refused, ["max_completion_tokens", "temperature", "presence_penalty"]);
    }

    #[test]
    fn logprobs_that_do_not_come_are_told_from_refused_ones() {
        let silent = found(|question| reply(&format!("{question:?}"), Vec::new()));
        assert_eq!(silent.logprobs, Logprobs::Withheld);
        assert_eq!(*silent.verdict("top_logprobs"), Verdict::Ignored);
        assert_eq!(silent.provenance(), None);
        let refusing = found(|question| {
            let asks = matches!(
                question,
                Question::Candidates
                    | Question::FewCandidates
                    | Question::QuietCandidates
                    | Question::QuietFewCandidates
            );
            if asks { refused(Some("logprobs"), "not allowed") } else { usual(question) }
        });
        assert_eq!(refusing.logprobs, Logprobs::Refused { reason: "not allowed".into() });
        assert_eq!(refusing.refusal("top_logprobs"), Some("not allowed"));
        assert!(refusing.summary().contains("no logprobs"));
    }

    #[test]
    fn seeds_without_effect_are_seen() {
        let none = found(|question| reply(&format!("{question:?}"), Vec::new()));
        assert_eq!(none.seed, Seeding::NoEffect);
        let certain = found(|_| reply("always the same", Vec::new()));
        assert_eq!(certain.seed, Seeding::Unclear);
        let by_chance =
            found(|question| reply(if question == Question::ThirdSeed { "b" } else { "a" }, Vec::new()));
        assert_eq!(by_chance.seed, Seeding::Repeats);
        let refusing =
            found(
                |question| {
                    if question == Question::Seed { refused(Some("seed"), "no") } else { usual(question) }
                },
            );
        assert_eq!((refusing.seed, refusing.refusal("seed")), (Seeding::Unknown, Some("no")));
    }

    #[test]
    fn parameters_that_do_less_than_they_say_have_a_remark() {
        let plain = found(usual);
        let remark = |finding: &Finding, name| finding.remark(name).unwrap_or_default();
        assert_eq!(remark(&plain, "top_logprobs"), "probed: 3 came where 20 were asked for");
        assert!(["seed", "temperature", "nothing"].iter().all(|name| plain.remark(name).is_none()));
        let silent = found(|question| reply(&format!("{question:?}"), Vec::new()));
        assert_eq!(remark(&silent, "top_logprobs"), "probed: ignored");
        assert_eq!(remark(&silent, "seed"), "probed: the same seed gave different answers");
    }

    #[test]
    fn a_form_of_answer_is_refused_where_all_are_or_by_its_own_name() {
        let refusing = |all: bool| {
            found(move |question| {
                if question == Question::JsonSchema {
                    refused(Some("response_format"), "no schemas")
                } else if question == Question::JsonObject && all {
                    refused(Some("response_format"), "no objects")
                } else {
                    usual(question)
                }
            })
        };
        let of = |finding: &Finding, name| finding.refusal(name).unwrap_or_default().to_owned();
        assert_eq!(of(&refusing(false), "response_format"), "");
        assert_eq!(of(&refusing(false), "response_format json_schema"), "no schemas");
        assert_eq!(of(&refusing(true), "response_format"), "no objects");
    }

    #[test]
    fn bytes_and_numbers_are_counted_over_candidates_too() {
        let mut odd = token(&[("a", -1.0), ("b", -2.0)]);
        odd.candidates[1] = Candidate { piece: Piece::new("b", None), logprob: Some(-2.0), id: Some(4) };
        let finding = found(|question| reply(&format!("{question:?}"), vec![odd.clone()]));
        let Logprobs::Given(given) = &finding.logprobs else { panic!("{finding:?}") };
        assert_eq!((given.bytes, given.ids), (Presence::Some, Presence::Some));
    }

    #[test]
    fn hostile_and_endless_text_is_bounded() {
        let long = "\u{1b}[2J".repeat(100_000);
        let finding =
            found(
                |question| {
                    if question == Question::TopP { refused(None, &long) } else { reply(&long, Vec::new()) }
                },
            );
        let json = serde_json::to_string(&finding).unwrap();
        assert!(json.len() < 10_000 && !json.contains("\\u001b"), "{}", json.len());
    }

    #[test]
    fn a_probe_that_broke_off_says_so_and_keeps_what_it_has() {
        let finding = found(|question| {
            if question == Question::CompletionLimit {
                usual(question)
            } else {
                Outcome::Failed(Fault::new(FaultKind::Server, "The server failed for m: busy"))
            }
        });
        assert_eq!(*finding.verdict("max_output_tokens"), Verdict::Accepted);
        assert_eq!(*finding.verdict("max_tokens"), Verdict::Failed { reason: "busy".into() });
        assert_eq!(*finding.verdict("top_p"), Verdict::Untried);
        let lines = finding.lines();
        assert!(
            lines.iter().any(|(name, what)| name == "not all tried" && what.contains("busy")),
            "{lines:?}"
        );
    }
}
