//! An answer as a tree of values with the model's confidence in each: what the inspector draws and
//! `inspect --json` prints.
//!
//! Owns putting the parts together, a row for each value in the order of the text. Never cuts a value
//! for a width and never escapes one for a terminal; both are the surface's. Built in time proportional
//! to the text and its tokens.

use crate::core::token::Token;
use crate::structured::allowed::Places;
use crate::structured::alternatives::{Choice, Leaf, Options};
use crate::structured::document::{Document, Kind, Node, Step};
use crate::structured::fault::ParseFault;
use crate::structured::schema::{Schema, Verdict};
use crate::structured::tokens::{Alignment, Confidence};
use crate::structured::violation::Violation;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use std::collections::HashMap;

/// Stands beside probabilities that a server reports after forbidding tokens that break the grammar.
pub const AFTER_MASK: &str = "after the grammar mask";

/// One value, as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The value as it stands in the text; empty for objects and arrays, whose values are rows.
    pub value: Box<str>,
    /// How sure the model was of it; `None` for objects and arrays, and without tokens.
    pub confidence: Option<Confidence>,
    /// What else could have been written, at each token that decided it.
    pub choices: Vec<Choice>,
    /// The violations that are about it, as indices into the verdict's.
    pub violations: Vec<usize>,
    /// Whether the text breaks off or goes wrong in it.
    pub has_fault: bool,
    /// Whether an earlier member of the same object has its key.
    pub repeats_key: bool,
}

/// An answer's values with everything that is known of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// The values, their places, and what is wrong with the text.
    pub document: Document,
    /// A row for each node of the document, in the same order.
    pub rows: Vec<Row>,
    /// What the schema says; `None` without one, and while the document is not complete.
    pub verdict: Option<Verdict>,
    /// Whether the tokens are the text; values after the place where they part have no confidence.
    pub is_aligned: bool,
    /// Whether the probabilities are those after forbidding tokens that break the grammar.
    pub after_grammar_mask: bool,
}

impl Tree {
    /// Returns the tree of an answer's text and tokens.
    ///
    /// `after_grammar_mask` says that the server applies the grammar before it takes the probabilities,
    /// which then are shares among what the grammar allows.
    #[must_use]
    pub fn new(text: &str, tokens: &[Token], schema: Option<&Schema>, after_grammar_mask: bool) -> Self {
        let document = Document::read(text);
        let alignment = Alignment::new(text, tokens);
        let mut offers = Offers::new(schema, &document);
        let row = |(index, node): (usize, &Node)| {
            let is_leaf = !node.kind.is_container();
            let leaf = Leaf { text, node, tokens, alignment: &alignment };
            Row {
                value: if is_leaf { text[node.span.clone()].into() } else { Box::default() },
                confidence: is_leaf
                    .then(|| Confidence::new(node.kind, &node.span, tokens, &alignment))
                    .flatten(),
                choices: if is_leaf { offers.choices(index, &leaf) } else { Vec::new() },
                violations: Vec::new(),
                has_fault: document.fault.as_ref().is_some_and(|fault| fault.node == Some(index)),
                repeats_key: document.repeated.binary_search(&index).is_ok(),
            }
        };
        let mut rows: Vec<Row> = document.nodes.iter().enumerate().map(row).collect();
        let verdict = schema.and_then(|schema| schema.verdict(text, &document));
        for (index, violation) in verdict.iter().flat_map(|verdict| &verdict.violations).enumerate() {
            if let Some(row) = rows.get_mut(violation.node) {
                row.violations.push(index);
            }
        }
        Self { document, rows, verdict, is_aligned: alignment.is_whole(), after_grammar_mask }
    }

    /// Returns what has to be said beside the probabilities, if anything.
    #[must_use]
    pub fn note(&self) -> Option<&'static str> {
        self.after_grammar_mask.then_some(AFTER_MASK)
    }

    /// Whether the answer is a document and, with a schema, one that the schema allows.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.document.is_complete()
            && self.verdict.as_ref().is_none_or(|verdict| verdict.violations.is_empty())
    }
}

/// The values on offer at each place, prepared once for all places under the same rules.
struct Offers {
    places: Option<Places>,
    prepared: HashMap<usize, Options>,
    booleans: Options,
}

impl Offers {
    fn new(schema: Option<&Schema>, document: &Document) -> Self {
        let places = schema.map(|schema| Places::new(schema.value(), document));
        Self { places, prepared: HashMap::new(), booleans: Options::booleans() }
    }

    /// Returns the choices of a value.
    fn choices(&mut self, index: usize, leaf: &Leaf<'_>) -> Vec<Choice> {
        let kind = leaf.node.kind;
        let places = self.places.as_ref();
        let known = places.and_then(|places| Some((places.entry(index)?, places.at(index)?)));
        match known.filter(|(_, allowed)| !allowed.is_anything()) {
            Some((entry, allowed)) => {
                let options = self.prepared.entry(entry).or_insert_with(|| Options::new(allowed));
                // A value of an open kind that is not listed was chosen among values that cannot be.
                if !allowed.open.has(kind) || options.has(leaf.own()) {
                    leaf.listed(options)
                } else {
                    unlisted(leaf)
                }
            }
            None if kind == Kind::Boolean => leaf.listed(&self.booleans),
            None => unlisted(leaf),
        }
    }
}

/// Returns the choices of a value that is not one of a list: only numbers begin in few enough ways.
fn unlisted(leaf: &Leaf<'_>) -> Vec<Choice> {
    if leaf.node.kind == Kind::Number { leaf.number().into_iter().collect() } else { Vec::new() }
}

impl Serialize for Tree {
    /// Writes what was read as data, with the path of each value.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let verdict = self.verdict.as_ref();
        TreeJson {
            is_complete: self.document.is_complete(),
            is_fenced: self.document.is_fenced,
            is_valid: self.is_valid(),
            fault: self.document.fault.as_ref(),
            violations: verdict.map(|verdict| &*verdict.violations),
            more_violations: verdict.map(|verdict| verdict.more),
            tokens_are_text: self.is_aligned,
            note: self.note(),
            rows: Rows(self),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct TreeJson<'a> {
    is_complete: bool,
    is_fenced: bool,
    is_valid: bool,
    fault: Option<&'a ParseFault>,
    violations: Option<&'a [Violation]>,
    more_violations: Option<usize>,
    tokens_are_text: bool,
    note: Option<&'static str>,
    rows: Rows<'a>,
}

/// The rows, written one by one: their paths together can be longer than the document.
struct Rows<'a>(&'a Tree);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(tree) = self;
        let mut rows = serializer.serialize_seq(Some(tree.rows.len()))?;
        for (index, (row, node)) in tree.rows.iter().zip(&tree.document.nodes).enumerate() {
            rows.serialize_element(&RowJson {
                path: tree.document.path(index),
                depth: node.depth,
                key: tree.document.name(index),
                index: match node.step {
                    Step::Item(index) => Some(index),
                    Step::Root | Step::Member { .. } => None,
                },
                kind: node.kind,
                bytes: [node.span.start, node.span.end],
                value: (!node.kind.is_container()).then_some(&*row.value),
                children: node.kind.is_container().then_some(node.children),
                is_complete: node.is_complete,
                confidence: row.confidence.as_ref(),
                choices: &row.choices,
                violations: &row.violations,
                has_fault: row.has_fault,
                repeats_key: row.repeats_key,
            })?;
        }
        rows.end()
    }
}

#[derive(Serialize)]
struct RowJson<'a> {
    path: String,
    depth: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    kind: Kind,
    bytes: [usize; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    children: Option<usize>,
    is_complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<&'a Confidence>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    choices: &'a [Choice],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    violations: &'a [usize],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    has_fault: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeats_key: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::token::{Candidate, Piece};
    use crate::structured::alternatives::Among;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn token(bytes: &[u8], logprob: f64, others: &[(&str, f64)]) -> Token {
        let piece = Piece::new(String::from_utf8_lossy(bytes).into_owned(), Some(bytes.to_vec()));
        let own = Candidate { piece: piece.clone(), logprob: Some(logprob), id: None };
        let other = |(text, p): &(&str, f64)| Candidate {
            piece: Piece::new(*text, None),
            logprob: Some(p.ln()),
            id: None,
        };
        let candidates = std::iter::once(own).chain(others.iter().map(other)).collect();
        Token { piece, logprob: Some(logprob), candidates, id: None }
    }

    fn schema() -> Schema {
        Schema::from_text(
            r#"{"type": "object", "properties": {
                "색": {"enum": ["빨강", "초록"]}, "ok": {"type": "boolean"}, "n": {"type": "integer", "maximum": 5},
                "note": {"type": "string"}, "or": {"anyOf": [{"enum": ["a", "b"]}, {"type": "string"}]}
            }}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_tree_has_a_row_for_each_value_with_its_confidence() {
        let red = "빨강".as_bytes();
        let tokens = [
            token(b"{\"", -0.0, &[]),
            token("색".as_bytes(), -0.1, &[]),
            token(b"\":\"", -0.2, &[]),
            token(&red[..4], -0.3, &[("초록\",", 0.2)]),
            token(&red[4..], -0.0, &[]),
            token(b"\",\"n\":", -0.1, &[]),
            token(b"7", -1.0, &[("5", 0.3)]),
            token(b",\"ok\":true}", -0.5, &[]),
        ];
        let text = "{\"색\":\"빨강\",\"n\":7,\"ok\":true}";
        let tree = Tree::new(text, &tokens, Some(&schema()), true);
        assert!(tree.is_aligned && tree.document.is_complete() && !tree.is_valid());
        assert_eq!(tree.note(), Some("after the grammar mask"));
        let values: Vec<&str> = tree.rows.iter().map(|row| &*row.value).collect();
        assert_eq!(values, ["", "\"빨강\"", "7", "true"]);
        let color = tree.rows[1].confidence.as_ref().unwrap();
        assert_eq!((color.tokens.clone(), color.shares_first, color.shares_last), (2..6, true, true));
        assert!((color.joint_logprob.unwrap() + 0.6).abs() < 1e-12);
        assert_eq!(color.lowest.map(|lowest| lowest.token), Some(3));
        let choice = &tree.rows[1].choices[0];
        assert_eq!((choice.token, choice.among, choice.others_allowed), (3, Among::Schema, false));
        assert_eq!(
            choice.alternatives.iter().map(|a| &*a.value).collect::<Vec<_>>(),
            ["\"빨강\"", "\"초록\""]
        );
        assert_eq!(tree.rows[2].choices[0].among, Among::Numbers);
        assert_eq!(tree.rows[2].violations, [0]);
        let verdict = tree.verdict.as_ref().unwrap();
        assert_eq!(
            verdict.violations[0].to_string(),
            "$.n: expected at most 5, found 7 (schema #/properties/n/maximum)"
        );
    }

    #[test]
    fn the_same_tree_is_written_as_data() {
        let tokens =
            [token(b"[tr", -0.5, &[("[fal", 0.25)]), token(b"ue,", -0.0, &[]), token(b" \"x", -1.0, &[])];
        let tree = Tree::new("[true, \"x", &tokens, None, false);
        let written = serde_json::to_value(&tree).unwrap();
        let choice = &written["rows"][1]["choices"][0];
        assert_eq!(choice["among"], "booleans");
        assert_eq!(
            (&choice["alternatives"][1]["value"], &choice["alternatives"][1]["is_chosen"]),
            (&json!("false"), &json!(false))
        );
        assert_eq!(choice["alternatives"][1]["reported"].as_f64().map(|p| (p * 100.0).round()), Some(25.0));
        let mut rest = written.clone();
        rest["rows"][1]["choices"] = Value::Null;
        let (half, less) = ((-0.5f64).exp(), (-1.0f64).exp());
        assert_eq!(
            rest,
            json!({
                "is_complete": false, "is_fenced": false, "is_valid": false, "tokens_are_text": true,
                "note": null, "violations": null, "more_violations": null,
                "fault": {
                    "at": 9, "line": 1, "column": 10, "path": "$[1]", "node": 2, "is_cut": true,
                    "expected": "the closing quote of the string", "excerpt": "[true, \"x", "excerpt_at": 9,
                },
                "rows": [
                    {"path": "$", "depth": 0, "kind": "array", "bytes": [0, 9], "children": 2, "is_complete": false},
                    {"path": "$[0]", "depth": 1, "index": 0, "kind": "boolean", "bytes": [1, 5], "value": "true",
                     "is_complete": true, "choices": null, "confidence": {
                        "tokens": {"start": 0, "end": 2}, "shares_first": true, "shares_last": true,
                        "joint_logprob": -0.5, "probability": {"min": half, "max": half}, "lowest": {"token": 0, "logprob": -0.5}}},
                    {"path": "$[1]", "depth": 1, "index": 1, "kind": "string", "bytes": [7, 9], "value": "\"x",
                     "is_complete": false, "has_fault": true, "confidence": {
                        "tokens": {"start": 2, "end": 3}, "shares_first": true, "shares_last": false,
                        "joint_logprob": -1.0, "probability": {"min": less, "max": less}, "lowest": {"token": 2, "logprob": -1.0}}},
                ],
            })
        );
    }

    #[test]
    fn only_values_chosen_from_a_list_have_listed_alternatives() {
        let whole = |text: &str| {
            Tree::new(text, &[token(text.as_bytes(), -0.5, &[("{\"", 0.1)])], Some(&schema()), false)
        };
        for (text, choices) in [
            ("{\"or\":\"a\"}", 1),
            ("{\"or\":\"z\"}", 0),
            ("{\"note\":\"a\"}", 0),
            ("{\"ok\":false}", 1),
            ("{\"색\":\"x\"}", 1),
            ("{\"unknown\":true}", 1),
            ("{\"unknown\":null}", 0),
            ("{\"unknown\":3}", 1),
        ] {
            assert_eq!(whole(text).rows[1].choices.len(), choices, "{text}");
        }
        assert!(whole("{\"or\":\"a\"}").rows[1].choices[0].others_allowed);
        assert!(!whole("{\"색\":\"x\"}").rows[1].choices[0].alternatives.iter().any(|a| a.is_chosen));
    }

    #[test]
    fn an_answer_without_tokens_or_without_json_is_a_tree_too() {
        let bare = Tree::new("{\"a\": 1}", &[], None, false);
        assert!(bare.is_valid() && !bare.is_aligned && bare.rows[1].confidence.is_none());
        let prose = Tree::new("I am sorry, but", &[], Some(&schema()), false);
        assert!(prose.rows.is_empty() && prose.verdict.is_none() && !prose.is_valid());
        let twice = Tree::new("{\"a\": 1, \"a\": 2}", &[], None, false);
        assert_eq!(twice.rows.iter().map(|row| row.repeats_key).collect::<Vec<_>>(), [false, false, true]);
    }

    proptest! {
        /// However an answer is cut into tokens and wherever it ends: the tokens of a value hold its
        /// bytes, its joint logprob is their sum, and nothing panics.
        #[test]
        fn values_and_tokens_agree(cuts in prop::collection::vec(1usize..9, 1..40), end in 0usize..200) {
            let whole = "{\"색\": \"초록\", \"ok\":true ,\"n\":-12.5e1,\"items\":[null,{\"👨‍👩‍👧\":\"é\\n\"},[]],\"note\":\"끝\"}";
            let text = &whole[..crate::structured::scan::floor(whole, end)];
            let (mut tokens, mut at, mut cuts) = (Vec::new(), 0, cuts.into_iter().cycle());
            while at < text.len() {
                let next = (at + cuts.next().unwrap()).min(text.len());
                tokens.push(token(&text.as_bytes()[at..next], -f64::from(u32::try_from(next).unwrap()) / 10.0, &[]));
                at = next;
            }
            let tree = Tree::new(text, &tokens, Some(&schema()), false);
            let alignment = Alignment::new(text, &tokens);
            for (row, node) in tree.rows.iter().zip(&tree.document.nodes).filter(|(_, node)| !node.kind.is_container()) {
                let confidence = row.confidence.as_ref().unwrap();
                let (first, last) = (confidence.tokens.start, confidence.tokens.end - 1);
                let bytes = alignment.span(first).unwrap().start..alignment.span(last).unwrap().end;
                prop_assert!(bytes.start <= node.span.start && node.span.end <= bytes.end);
                prop_assert_eq!(confidence.shares_first, bytes.start < node.span.start);
                prop_assert_eq!(confidence.shares_last, bytes.end > node.span.end);
                let sum: f64 = tokens[confidence.tokens.clone()].iter().map(|token| token.logprob.unwrap()).sum();
                prop_assert!((confidence.joint_logprob.unwrap() - sum).abs() < 1e-12);
            }
        }
    }
}
