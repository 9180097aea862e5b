//! What else the model could have written for a value: the other allowed values, with what was reported.
//!
//! A value is written token by token, and the choice between two allowed values is made where their
//! texts part. At each such token the returned candidates are sorted by the values they can still become:
//! one, several (nothing tells them apart yet), or none.
//!
//! Invariant: nothing is renormalised. Reported probabilities are sums over candidates; the share of a
//! value *among the allowed ones* is a second figure, and a range, because a candidate may become several
//! values and because the tail that was not returned may hold any of them.

use crate::core::probability::Position;
use crate::core::token::Token;
use crate::structured::allowed::Allowed;
use crate::structured::document::{Kind, Node};
use crate::structured::scan::{is_space, skip_space};
use crate::structured::tokens::Alignment;
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// Most choices that are kept of one value; texts that part in more places than this are long.
const MAX_CHOICES: usize = 8;

/// Longest token, candidate and value that are compared, in bytes. Far above what vocabularies have and
/// schemas list; a server that sends its answer as one token decided nothing with it.
const LONGEST: usize = 1024;

/// Where the alternatives come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Among {
    /// The schema lists the values.
    Schema,
    /// No schema says anything: `true` and `false` for a boolean.
    Booleans,
    /// Numbers that are not listed: those that a candidate begins or is.
    Numbers,
}

/// The least and the greatest share that what was returned allows, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// What is sure.
    pub min: f64,
    /// What is possible.
    pub max: f64,
}

/// One value the model could have written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alternative {
    /// The value as JSON; only its beginning where `is_whole` says so.
    pub value: String,
    /// Whether `value` is all of it. A candidate of a number that is not listed may be its first digits.
    pub is_whole: bool,
    /// Whether the answer has it.
    pub is_chosen: bool,
    /// Sum of the reported probabilities of the candidates that can become this value and no other.
    pub reported: f64,
    /// Its share among the allowed values, between what is sure and what is possible; `None` when
    /// nothing that was returned or could have been returned leads to an allowed value.
    pub share: Option<Share>,
}

/// Candidates that can still become several values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Undecided {
    /// The values, as indices of the alternatives that are listed.
    pub alternatives: Vec<usize>,
    /// How many values without an entry of their own they can become besides.
    pub unlisted: usize,
    /// Sum of the candidates' reported probabilities.
    pub reported: f64,
}

/// The choice between allowed values at one token.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// The token at which it was made.
    pub token: usize,
    /// Where the alternatives come from.
    pub among: Among,
    /// Whether values that cannot be listed are allowed too; they count as other.
    pub others_allowed: bool,
    /// The values that a candidate leads to, and the chosen one; most probable first.
    pub alternatives: Vec<Alternative>,
    /// How many more values were possible here that no returned candidate leads to alone; `None` where
    /// they cannot be counted.
    pub unlisted: Option<usize>,
    /// Candidates that can still become several values.
    pub undecided: Vec<Undecided>,
    /// Sum of the reported probabilities of the candidates that lead to no allowed value.
    pub other: f64,
    /// The mass that was not returned: any value, or none.
    pub unseen: f64,
}

/// The values allowed at a place, ready to be compared with candidates.
#[derive(Debug, Clone)]
pub(super) struct Options {
    /// JSON texts in the order of their bytes, with what they mean.
    texts: Vec<(String, Value)>,
    among: Among,
    others_allowed: bool,
}

impl Options {
    /// Returns the scalars among the allowed values; containers and very long texts count as others.
    pub(super) fn new(allowed: &Allowed) -> Self {
        let scalars = allowed.values.iter().filter(|value| !value.is_array() && !value.is_object());
        let texts = scalars.map(|value| (value.to_string(), value.clone()));
        let texts: Vec<(String, Value)> = texts.filter(|(text, _)| text.len() <= LONGEST).collect();
        let others_allowed = !allowed.open.is_empty() || texts.len() < allowed.values.len();
        Self::sorted(texts, Among::Schema, others_allowed)
    }

    /// Returns `true` and `false`, for a boolean that no schema speaks of.
    pub(super) fn booleans() -> Self {
        let texts = [false, true].map(|value| (value.to_string(), Value::Bool(value)));
        Self::sorted(texts.into(), Among::Booleans, true)
    }

    fn sorted(mut texts: Vec<(String, Value)>, among: Among, others_allowed: bool) -> Self {
        texts.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Self { texts, among, others_allowed }
    }

    /// Whether a value, as an answer spells it, is one of the options.
    pub(super) fn has(&self, own: &str) -> bool {
        self.spelled(own).1.is_some()
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        self.texts.binary_search_by(|(text, _)| text.as_bytes().cmp(bytes)).ok()
    }

    /// Returns the options as an answer spells them, and which of them it has.
    ///
    /// A text or number can be written in several ways, and then the answer's own counts.
    fn spelled(&self, own: &str) -> (Cow<'_, Self>, Option<usize>) {
        let known = self.find(own.as_bytes());
        if known.is_some() || self.texts.is_empty() || own.len() > LONGEST {
            return (Cow::Borrowed(self), known);
        }
        let meant = serde_json::from_str::<Value>(own).ok();
        let same = meant.and_then(|meant| self.texts.iter().position(|(_, value)| is_same(value, &meant)));
        let Some(same) = same else { return (Cow::Borrowed(self), None) };
        let mut texts = self.texts.clone();
        own.clone_into(&mut texts[same].0);
        let options = Self::sorted(texts, self.among, self.others_allowed);
        let chosen = options.find(own.as_bytes());
        (Cow::Owned(options), chosen)
    }

    /// Returns the options that the bytes can become: those they begin, or the one they hold whole.
    fn compatible(&self, bytes: &[u8]) -> Range<usize> {
        if let Some(end) = value_end(bytes) {
            let is_followed_well = bytes.get(end).is_none_or(|byte| is_delimiter(*byte));
            return match self.find(&bytes[..end]) {
                Some(at) if is_followed_well => at..at + 1,
                _ => 0..0,
            };
        }
        let first = self.texts.partition_point(|(text, _)| text.as_bytes() < bytes);
        let rest = &self.texts[first..];
        first..first + rest.partition_point(|(text, _)| text.as_bytes().starts_with(bytes))
    }
}

/// Whether two values are equal as JSON Schema compares them: `1` is `1.0`.
fn is_same(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().is_some_and(|a| b.as_f64() == Some(a))
}

/// A value of an answer, with what is needed to see its choices.
pub(super) struct Leaf<'a> {
    pub(super) text: &'a str,
    pub(super) node: &'a Node,
    pub(super) tokens: &'a [Token],
    pub(super) alignment: &'a Alignment,
}

impl Leaf<'_> {
    /// Returns the value as it stands in the text.
    pub(super) fn own(&self) -> &str {
        &self.text[self.node.span.clone()]
    }

    /// Returns the choices between listed values, at each token that excluded one that was possible.
    pub(super) fn listed(&self, options: &Options) -> Vec<Choice> {
        let span = &self.node.span;
        let (options, chosen) = options.spelled(self.own());
        let Some(over) = self.alignment.overlapping(span) else { return Vec::new() };
        // Two values must have been possible, the answer's own among them, if it is an allowed one.
        let least = if chosen.is_some() { 2 } else { 1 };
        let mut choices = Vec::new();
        // A number ends where the next token is no digit, so that token takes part in the choice.
        let end = if self.node.kind == Kind::Number { over.end + 1 } else { over.end };
        for token in over.start..end.min(self.tokens.len()) {
            let Some(bytes) = self.decisive(token) else { break };
            let before = &self.text.as_bytes()[span.start..bytes.start.clamp(span.start, span.end)];
            let possible = options.compatible(before);
            if possible.len() < least || choices.len() == MAX_CHOICES {
                break;
            }
            let after = &self.text.as_bytes()[span.start..bytes.end.max(span.start)];
            if options.compatible(after).len() < possible.len() {
                choices.extend(self.choice(token, before, &options, possible, chosen));
            }
        }
        choices
    }

    /// Returns the choice at one token; `None` where the server returned no candidates.
    fn choice(
        &self,
        token: usize,
        before: &[u8],
        options: &Options,
        possible: Range<usize>,
        chosen: Option<usize>,
    ) -> Option<Choice> {
        let unseen = Position::new(self.tokens.get(token)?).tail()?;
        let mut alone: BTreeMap<usize, f64> = chosen.map(|chosen| (chosen, 0.0)).into_iter().collect();
        let mut several: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        let mut other = 0.0;
        for (bytes, probability) in self.candidates(token) {
            let set = match self.lead(token, bytes) {
                Lead::Value(rest) => options.compatible(&[before, rest].concat()),
                Lead::Before => possible.clone(),
                Lead::Elsewhere => 0..0,
            };
            match set.len() {
                0 => other += probability,
                1 => *alone.entry(set.start).or_default() += probability,
                _ => *several.entry((set.start, set.end)).or_default() += probability,
            }
        }
        let mut listed: Vec<(usize, f64)> = alone.into_iter().collect();
        listed.sort_by(|a, b| b.1.total_cmp(&a.1));
        let allowed: f64 = listed.iter().map(|(_, p)| p).sum::<f64>() + several.values().sum::<f64>();
        let undecided = several
            .iter()
            .map(|(&(start, end), &reported)| {
                let entries =
                    listed.iter().enumerate().filter(|(_, (option, _))| (start..end).contains(option));
                let alternatives: Vec<usize> = entries.map(|(entry, _)| entry).collect();
                Undecided { unlisted: end - start - alternatives.len(), alternatives, reported }
            })
            .collect();
        let alternatives: Vec<Alternative> = listed
            .iter()
            .map(|&(option, reported)| {
                let shared = several.iter().filter(|((start, end), _)| (*start..*end).contains(&option));
                let shared: f64 = shared.map(|(_, p)| p).sum();
                Alternative {
                    value: options.texts[option].0.clone(),
                    is_whole: true,
                    is_chosen: Some(option) == chosen,
                    reported,
                    share: share(reported, shared, allowed, unseen),
                }
            })
            .collect();
        Some(Choice {
            token,
            among: options.among,
            others_allowed: options.others_allowed,
            unlisted: Some(possible.len().saturating_sub(alternatives.len())),
            alternatives,
            undecided,
            other,
            unseen,
        })
    }

    /// Returns the choice of a number that is not listed, at the token with its first byte.
    pub(super) fn number(&self) -> Option<Choice> {
        let token = self.alignment.overlapping(&self.node.span)?.start;
        let unseen = Position::new(self.tokens.get(token)?).tail()?;
        let bytes = self.decisive(token)?;
        let own = number_in(&self.text.as_bytes()[self.node.span.start..bytes.end]);
        let mut found: BTreeMap<(String, bool), f64> = own.map(|own| (own, 0.0)).into_iter().collect();
        let own = found.keys().next().cloned();
        let (mut before, mut other) = (0.0, 0.0);
        for (bytes, probability) in self.candidates(token) {
            match self.lead(token, bytes) {
                Lead::Before => before += probability,
                Lead::Value(rest) => match number_in(rest) {
                    Some(number) => *found.entry(number).or_default() += probability,
                    None => other += probability,
                },
                Lead::Elsewhere => other += probability,
            }
        }
        let allowed = found.values().sum::<f64>() + before;
        let mut alternatives: Vec<Alternative> = found
            .into_iter()
            .map(|(number, reported)| Alternative {
                is_chosen: own.as_ref() == Some(&number),
                share: share(reported, before, allowed, unseen),
                value: number.0,
                is_whole: number.1,
                reported,
            })
            .collect();
        alternatives.sort_by(|a, b| b.reported.total_cmp(&a.reported));
        let all = (0..alternatives.len()).collect();
        let undecided = Undecided { alternatives: all, unlisted: 0, reported: before };
        Some(Choice {
            token,
            among: Among::Numbers,
            others_allowed: true,
            alternatives,
            unlisted: None,
            undecided: if before > 0.0 { vec![undecided] } else { Vec::new() },
            other,
            unseen,
        })
    }

    /// Returns the bytes of a token that is short enough to have decided something.
    fn decisive(&self, token: usize) -> Option<Range<usize>> {
        self.alignment.span(token).filter(|bytes| bytes.len() <= LONGEST)
    }

    /// Returns the returned candidates with their probabilities, and the chosen token where it is not
    /// among them.
    fn candidates(&self, token: usize) -> impl Iterator<Item = (&[u8], f64)> {
        let own = self.tokens.get(token);
        let extra = own.filter(|own| Position::new(own).rank().is_none());
        let extra = extra.map(|own| (own.piece.bytes(), own.logprob));
        let listed = own.into_iter().flat_map(|own| &own.candidates);
        let all = listed.map(|candidate| (candidate.piece.bytes(), candidate.logprob)).chain(extra);
        all.filter_map(|(bytes, logprob)| Some((&bytes[..bytes.len().min(LONGEST)], logprob?.exp())))
    }

    /// Returns what a candidate at a token would have written of the value.
    ///
    /// What the token holds before the value, the candidate must hold too; but white space between the
    /// words of JSON means nothing, so ` true` and `true` lead to the same value.
    fn lead<'c>(&self, token: usize, candidate: &'c [u8]) -> Lead<'c> {
        let (text, value) = (self.text.as_bytes(), self.node.span.start);
        let Some(start) = self.alignment.span(token).map(|span| span.start) else { return Lead::Elsewhere };
        if start > value {
            return Lead::Value(candidate);
        }
        let own = &text[start..value];
        let is_between = |byte: u8| is_space(byte) || matches!(byte, b',' | b':' | b'[');
        let fixed = own.iter().rposition(|byte| !is_between(*byte)).map_or(0, |last| last + 1);
        let Some(mut rest) = candidate.strip_prefix(&own[..fixed]) else {
            // It may have stopped before the part that is fixed ends.
            return if own[..fixed].starts_with(candidate) { Lead::Before } else { Lead::Elsewhere };
        };
        for byte in own[fixed..].iter().filter(|byte| !is_space(**byte)) {
            rest = &rest[skip_space(rest, 0)..];
            match rest.split_first() {
                None => return Lead::Before,
                Some((first, after)) if first == byte => rest = after,
                Some(_) => return Lead::Elsewhere,
            }
        }
        rest = &rest[skip_space(rest, 0)..];
        if rest.is_empty() { Lead::Before } else { Lead::Value(rest) }
    }
}

/// What a candidate leads to.
#[derive(Debug, PartialEq, Eq)]
enum Lead<'c> {
    /// To the value, beginning with these bytes of it.
    Value(&'c [u8]),
    /// To the place before the value: every value is still possible.
    Before,
    /// To something else.
    Elsewhere,
}

/// Returns the least and the greatest share that a value can have among the allowed ones.
///
/// With `sure` the mass of candidates that only become this value, `shared` of those that may, `allowed`
/// of all that become an allowed value, and the unseen tail anywhere: at worst the tail goes to the other
/// allowed values and so does what is shared, at best both go to this one.
fn share(sure: f64, shared: f64, allowed: f64, unseen: f64) -> Option<Share> {
    let whole = allowed + unseen;
    (whole > 0.0).then(|| {
        let min = (sure / whole).clamp(0.0, 1.0);
        Share { min, max: ((sure + shared + unseen) / whole).clamp(min, 1.0) }
    })
}

/// Returns where the value that begins the bytes ends, if it does.
fn value_end(bytes: &[u8]) -> Option<usize> {
    if bytes.first() != Some(&b'"') {
        return bytes.iter().position(|byte| is_delimiter(*byte));
    }
    let mut is_escaped = false;
    for (at, byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Whether a byte may stand right after a value.
fn is_delimiter(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b',' | b'}' | b']')
}

/// Returns the number that begins the bytes, and whether its end is among them; `None` for no number.
fn number_in(bytes: &[u8]) -> Option<(String, bool)> {
    let end = bytes.iter().position(|byte| is_delimiter(*byte));
    let number = std::str::from_utf8(&bytes[..end.unwrap_or(bytes.len())]).ok()?;
    let digits = number.strip_prefix('-').unwrap_or(number);
    let may_begin = digits.starts_with(|c: char| c.is_ascii_digit()) || (digits.is_empty() && number == "-");
    let may_go_on = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    let is_number =
        if end.is_some() { serde_json::from_str::<f64>(number).is_ok() } else { may_begin && may_go_on };
    is_number.then(|| (number.to_owned(), end.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::token::{Candidate, Piece};
    use crate::structured::allowed::Places;
    use crate::structured::document::Document;
    use proptest::prelude::*;
    use serde_json::json;

    /// Returns a token with its candidates; the first of them is the chosen one.
    fn token(candidates: &[(&str, f64)]) -> Token {
        let of = |text: &str| Piece::new(text, Some(text.as_bytes().to_vec()));
        Token {
            piece: of(candidates[0].0),
            logprob: Some(candidates[0].1.ln()),
            candidates: candidates
                .iter()
                .map(|(text, p)| Candidate { piece: of(text), logprob: Some(p.ln()), id: None })
                .collect(),
            id: None,
        }
    }

    /// Returns the choices of the last value of the document that the tokens spell.
    fn choices(schema: Option<&Value>, tokens: &[Token]) -> Vec<Choice> {
        let text: String = tokens.iter().map(|token| token.piece.text()).collect();
        let document = Document::read(&text);
        assert!(document.is_complete(), "{text}");
        let last = document.nodes.len() - 1;
        let alignment = Alignment::new(&text, tokens);
        let leaf = Leaf { text: &text, node: &document.nodes[last], tokens, alignment: &alignment };
        match schema {
            Some(schema) => leaf.listed(&Options::new(Places::new(schema, &document).at(last).unwrap())),
            None if leaf.node.kind == Kind::Number => leaf.number().into_iter().collect(),
            None => leaf.listed(&Options::booleans()),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a probability")]
    fn round(p: f64) -> i64 {
        (p * 1000.0).round() as i64
    }

    /// Returns value, reported probability and share of each alternative, in thousandths.
    fn shown(choice: &Choice) -> Vec<(&str, i64, i64, i64)> {
        let one = |alternative: &Alternative| {
            let share = alternative.share.unwrap();
            (round(alternative.reported), round(share.min), round(share.max))
        };
        choice
            .alternatives
            .iter()
            .map(|a| {
                let (p, min, max) = one(a);
                (a.value.as_str(), p, min, max)
            })
            .collect()
    }

    fn colors() -> Value {
        json!({"properties": {"c": {"enum": ["red", "reed", "green", "파랑"]}}})
    }

    #[test]
    fn a_value_is_chosen_where_the_allowed_texts_part() {
        let tokens = [
            token(&[("{\"c\":", 1.0)]),
            token(&[(" \"", 0.9), ("\"", 0.1)]),
            token(&[("re", 0.6), ("green", 0.2), ("gr", 0.1), ("blue", 0.04)]),
            token(&[("d", 0.7), ("ed\"", 0.2), ("x", 0.1)]),
            token(&[("\"}", 1.0)]),
        ];
        let choices = choices(Some(&colors()), &tokens);
        assert_eq!(choices.iter().map(|choice| choice.token).collect::<Vec<_>>(), [2, 3]);
        let first = &choices[0];
        // What can become red or reed is neither's; 0.06 was not returned.
        assert_eq!(shown(first), [("\"green\"", 300, 313, 375), ("\"red\"", 0, 0, 687)]);
        assert_eq!(
            (first.undecided.len(), first.undecided[0].alternatives.as_slice(), first.undecided[0].unlisted),
            (1, &[1][..], 1)
        );
        assert!((first.undecided[0].reported - 0.6).abs() < 1e-12 && (first.other - 0.04).abs() < 1e-12);
        assert!((first.unseen - 0.06).abs() < 1e-12);
        assert_eq!((first.unlisted, first.others_allowed), (Some(2), false));
        assert_eq!(shown(&choices[1]), [("\"red\"", 700, 778, 778), ("\"reed\"", 200, 222, 222)]);
        assert!(choices[1].alternatives[0].is_chosen);
    }

    #[test]
    fn tokens_that_straddle_are_compared_from_where_they_begin() {
        let tokens = [
            token(&[("{\"c", 1.0)]),
            token(&[
                ("\": \"red\",", 0.5),
                ("\":\"red\"", 0.1),
                ("\" : \"gre", 0.1),
                ("\": ", 0.1),
                ("\"", 0.05),
                ("\": \"reds", 0.05),
                ("olor\": \"red\"", 0.05),
                ("\": [\"red\"", 0.05),
            ]),
            token(&[("\"d\":1}", 1.0)]),
        ];
        let text: String = tokens.iter().map(|token| token.piece.text()).collect();
        let document = Document::read(&text);
        let alignment = Alignment::new(&text, &tokens);
        let leaf = Leaf { text: &text, node: &document.nodes[1], tokens: &tokens, alignment: &alignment };
        let choices = leaf.listed(&Options::new(Places::new(&colors(), &document).at(1).unwrap()));
        assert_eq!(choices.len(), 1);
        let reported: Vec<_> =
            choices[0].alternatives.iter().map(|a| (a.value.as_str(), round(a.reported))).collect();
        assert_eq!(reported, [("\"red\"", 600), ("\"green\"", 100)]);
        assert_eq!(round(choices[0].undecided[0].reported), 150);
        assert_eq!(round(choices[0].other), 150);
    }

    #[test]
    fn booleans_have_alternatives_without_a_schema() {
        let tokens = [
            token(&[("[", 1.0)]),
            token(&[("true", 0.75), ("false", 0.2), (" null", 0.05)]),
            token(&[("]", 1.0)]),
        ];
        let choices = choices(None, &tokens);
        assert_eq!(shown(&choices[0]), [("true", 750, 789, 789), ("false", 200, 211, 211)]);
        assert_eq!((choices[0].among, choices[0].others_allowed), (Among::Booleans, true));
    }

    #[test]
    fn a_listed_number_may_end_in_the_next_token() {
        let schema = json!({"items": {"enum": [1, 12, 3]}});
        let tokens = [
            token(&[("[", 1.0)]),
            token(&[("1", 0.8), ("3", 0.1), ("12", 0.1)]),
            token(&[("]", 0.6), ("2", 0.3), ("3", 0.1)]),
        ];
        let choices = choices(Some(&schema), &tokens);
        assert_eq!(choices.iter().map(|choice| choice.token).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(round(choices[0].undecided[0].reported), 800);
        assert_eq!(shown(&choices[1])[..], [("1", 600, 667, 667), ("12", 300, 333, 333)]);
    }

    #[test]
    fn other_numbers_are_what_the_candidates_begin() {
        let tokens = [
            token(&[("[", 1.0)]),
            token(&[("42", 0.5), (" 4", 0.2), ("-", 0.1), ("7]", 0.05), ("x", 0.05), (" ", 0.05)]),
            token(&[("]", 1.0)]),
        ];
        let choice = &choices(None, &tokens)[0];
        let all: Vec<_> =
            choice.alternatives.iter().map(|a| (a.value.as_str(), a.is_whole, a.is_chosen)).collect();
        assert_eq!(all, [("42", false, true), ("4", false, false), ("-", false, false), ("7", true, false)]);
        assert_eq!((choice.among, choice.unlisted), (Among::Numbers, None));
        assert!((choice.undecided[0].reported - 0.05).abs() < 1e-12);
        assert!((choice.other - 0.05).abs() < 1e-12 && (choice.unseen - 0.05).abs() < 1e-9);
    }

    #[test]
    fn another_spelling_of_an_allowed_value_is_that_value() {
        let tokens = [
            token(&[("{\"c\":\"", 1.0)]),
            token(&[("\\ud30c", 0.5), ("green", 0.5)]),
            token(&[("\\ub791\"}", 1.0)]),
        ];
        let choices = choices(Some(&colors()), &tokens);
        assert_eq!(choices.len(), 1);
        assert_eq!(choices[0].alternatives.iter().filter(|a| a.is_chosen).count(), 1);
        assert!(
            choices[0]
                .alternatives
                .iter()
                .any(|a| a.value == "\"\\ud30c\\ub791\"" && round(a.reported) == 500)
        );
        let numbers = json!({"enum": [1, 2]});
        let number = [token(&[("1.0", 0.5), ("2", 0.5)])];
        assert!(
            self::choices(Some(&numbers), &number)[0]
                .alternatives
                .iter()
                .any(|a| a.is_chosen && a.value == "1.0")
        );
    }

    #[test]
    fn pieces_of_characters_lead_to_the_values_they_begin() {
        let blue = "파랑".as_bytes();
        let piece =
            |bytes: &[u8]| Piece::new(String::from_utf8_lossy(bytes).into_owned(), Some(bytes.to_vec()));
        let mut first = token(&[("x", 0.7)]);
        first.piece = piece(&blue[..2]);
        first.candidates = [(&blue[..2], 0.7f64), (&blue[..1], 0.1), (b"\xff", 0.1), (b"re", 0.1)]
            .map(|(bytes, p)| Candidate { piece: piece(bytes), logprob: Some(p.ln()), id: None })
            .into();
        let mut rest = token(&[("x", 1.0)]);
        rest.piece = piece(&blue[2..]);
        let tokens = [token(&[("{\"c\":\"", 1.0)]), first, rest, token(&[("\"}", 1.0)])];
        let text = "{\"c\":\"파랑\"}";
        let document = Document::read(text);
        let alignment = Alignment::new(text, &tokens);
        let leaf = Leaf { text, node: &document.nodes[1], tokens: &tokens, alignment: &alignment };
        let choices = leaf.listed(&Options::new(Places::new(&colors(), &document).at(1).unwrap()));
        assert_eq!(choices.len(), 1);
        assert_eq!(
            (choices[0].alternatives[0].value.as_str(), (choices[0].alternatives[0].reported * 10.0).round()),
            ("\"파랑\"", 8.0)
        );
        assert!((choices[0].other - 0.1).abs() < 1e-9);
    }

    #[test]
    fn without_candidates_or_a_choice_there_is_nothing_to_show() {
        let bare = Token { candidates: Box::new([]), ..token(&[("true", 0.5)]) };
        assert_eq!(choices(None, &[bare]), []);
        let one = json!({"const": true});
        assert_eq!(choices(Some(&one), &[token(&[("true", 0.5), ("false", 0.5)])]), []);
    }

    proptest! {
        /// Whatever the distribution, cut to its top k: the masses add up to one, and the share that a
        /// value truly has among the allowed ones lies in its range.
        #[test]
        fn true_shares_lie_in_their_ranges(
            weights in prop::collection::vec(1e-4f64..1.0, 8),
            splits in prop::collection::vec(0.0f64..1.0, 8),
            k in 1usize..9,
        ) {
            let pieces = ["\"red\"", "\"re", "\"green\"", "\"gr", "\"", " ", "\"blue", "7"];
            let values = ["\"green\"", "\"red\"", "\"reed\""];
            let schema = json!({"enum": ["red", "green", "reed"]});
            let total: f64 = weights.iter().sum();
            let mut list: Vec<(usize, f64)> = weights.iter().map(|w| w / total).enumerate().collect();
            list.sort_by(|a, b| b.1.total_cmp(&a.1));
            // A candidate that can become several values does so in any proportion.
            let mut truth = [0.0; 3];
            for &(piece, p) in &list {
                let fits: Vec<usize> = (0..3).filter(|v| values[*v].starts_with(pieces[piece].trim_start())).collect();
                let Some((&last, rest)) = fits.split_last() else { continue };
                let mut left = p;
                for value in rest {
                    truth[*value] += left * splits[piece];
                    left *= 1.0 - splits[piece];
                }
                truth[last] += left;
            }
            let allowed: f64 = truth.iter().sum();
            let red = list.iter().find(|(piece, _)| *piece == 0).unwrap().1;
            let mut kept: Vec<(&str, f64)> = vec![(pieces[0], red)];
            kept.extend(list.iter().take(k).filter(|(piece, _)| *piece != 0).map(|(piece, p)| (pieces[*piece], *p)));
            let choice = choices(Some(&schema), &[token(&kept)]).remove(0);
            let sums = choice.alternatives.iter().map(|a| a.reported).sum::<f64>()
                + choice.undecided.iter().map(|u| u.reported).sum::<f64>() + choice.other + choice.unseen;
            prop_assert!((sums - 1.0).abs() < 1e-9, "{sums}");
            for alternative in &choice.alternatives {
                let value = values.iter().position(|value| *value == alternative.value).unwrap();
                let (share, truth) = (alternative.share.unwrap(), truth[value] / allowed);
                prop_assert!(share.min <= truth + 1e-9 && truth <= share.max + 1e-9, "{alternative:?} {truth}");
            }
        }
    }
}
