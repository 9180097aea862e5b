//! Text to [`Document`]: one pass, no recursion, and everything before the fault is kept.
//!
//! Strict as RFC 8259 is; tolerant only of what stands around a document: white space, and the Markdown
//! code fence that models like to put there. It stops at the first fault, as every guess after one would
//! be a guess about what the model meant.

use crate::structured::document::{Document, Kind, MAX_DEPTH, MAX_NODES, Node, Step};
use crate::structured::fault::ParseFault;
use crate::structured::path::{self, Segment};
use crate::structured::scan::{self, Stop, skip_space};
use std::ops::Range;

const VALUE: &str = "a value: an object, an array, a string in double quotes, a number, true, false or null";
const KEY: &str = "a key in double quotes";
const KEY_OR_CLOSE: &str = "a key in double quotes or }";
const NOTHING: &str = "nothing after the document";

/// Returns the document of a text, as far as it goes.
pub(super) fn read(text: &str) -> Document {
    let (nodes, open) = (Vec::new(), Vec::new());
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, nodes, open, next: None };
    let (is_fenced, outcome) = reader.document();
    let end = reader.nodes.len();
    for index in &reader.open {
        let node = &mut reader.nodes[*index];
        node.end = end;
        node.span.end = scan::floor(text, reader.at).max(node.span.start + 1);
    }
    let innermost = reader.open.last().copied();
    let document = Document { nodes: reader.nodes, fault: None, repeated: Vec::new(), is_fenced };
    let Err(stop) = outcome else { return document };
    // A scalar that is not complete is the last value there is.
    let broken = end.checked_sub(1).filter(|last| {
        let node = &document.nodes[*last];
        !node.is_complete && !node.kind.is_container()
    });
    let node = broken.or(innermost);
    let awaited = match &reader.next {
        Some(Step::Member { name, .. }) => Some(Segment::Name(name)),
        Some(Step::Root | Step::Item(_)) | None => None,
    };
    let steps = node.into_iter().flat_map(|node| document.steps(node));
    let path = path::write(awaited.into_iter().chain(steps));
    let at = scan::floor(text, stop.at);
    let fault = ParseFault::new(text, at, stop.expected, path, node);
    Document { fault: Some(fault), ..document }
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    nodes: Vec<Node>,
    /// The containers around the current position, outermost first.
    open: Vec<usize>,
    /// The key that was read for the value that comes next.
    next: Option<Step>,
}

impl Reader<'_> {
    /// Reads the fence, the document, and what may stand after it.
    fn document(&mut self) -> (bool, Result<(), Stop>) {
        self.skip();
        let ticks = match self.open_fence() {
            Ok(ticks) => ticks,
            Err(stop) => return (false, Err(stop)),
        };
        (ticks > 0, self.values().and_then(|()| self.close_fence(ticks)))
    }

    /// Takes the line that opens a code fence, if there is one; returns its number of backticks.
    fn open_fence(&mut self) -> Result<usize, Stop> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let ticks = rest.iter().take_while(|byte| **byte == b'`').count();
        if ticks == 0 {
            return Ok(0);
        }
        let line = rest.iter().position(|byte| *byte == b'\n');
        let info = self.text[start + ticks..line.map_or(self.text.len(), |end| start + end)].trim();
        let is_json = |word: &str| word.eq_ignore_ascii_case("json");
        let may_become = line.is_none() && "json".starts_with(&info.to_ascii_lowercase());
        match line {
            Some(end) if ticks >= 3 && (info.is_empty() || is_json(info)) => {
                self.at = start + end + 1;
                Ok(ticks)
            }
            None if may_become && (ticks >= 3 || info.is_empty()) => {
                Err(Stop { at: self.text.len(), expected: "a document after the code fence" })
            }
            _ => Err(Stop { at: start, expected: VALUE }),
        }
    }

    /// Takes the end of the fence, if one was opened, and white space; nothing else may follow.
    fn close_fence(&mut self, ticks: usize) -> Result<(), Stop> {
        self.skip();
        let closing = self.bytes[self.at..].iter().take_while(|byte| **byte == b'`').count();
        // An answer that was cut at its length limit may lack the end of the fence, or part of it.
        let is_cut = self.at + closing == self.bytes.len();
        if ticks > 0 && (closing >= ticks || is_cut) {
            self.at += closing;
            self.skip();
        }
        if self.at < self.bytes.len() { Err(Stop { at: self.at, expected: NOTHING }) } else { Ok(()) }
    }

    /// Reads one value with everything in it.
    fn values(&mut self) -> Result<(), Stop> {
        loop {
            self.skip();
            if self.value()? {
                self.skip();
                // An empty container ends here; a full one goes on with its first value.
                let is_object = self.is_object();
                let close = if is_object { b'}' } else { b']' };
                if self.bytes.get(self.at) != Some(&close) {
                    if is_object {
                        self.key(KEY_OR_CLOSE)?;
                    }
                    continue;
                }
                self.close();
            }
            if self.after_value()? {
                return Ok(());
            }
        }
    }

    /// Takes what follows a value: ends of containers, then a comma; returns whether the document ended.
    fn after_value(&mut self) -> Result<bool, Stop> {
        while !self.open.is_empty() {
            self.skip();
            let is_object = self.is_object();
            match self.bytes.get(self.at) {
                Some(b',') => {
                    self.at += 1;
                    self.skip();
                    if is_object {
                        self.key(KEY)?;
                    }
                    return Ok(false);
                }
                Some(b'}') if is_object => self.close(),
                Some(b']') if !is_object => self.close(),
                _ => {
                    let expected = if is_object { "a comma or }" } else { "a comma or ]" };
                    return Err(Stop { at: self.at, expected });
                }
            }
        }
        Ok(true)
    }

    /// Reads a scalar, or opens a container; returns whether it opened one.
    fn value(&mut self) -> Result<bool, Stop> {
        let start = self.at;
        if self.nodes.len() >= MAX_NODES {
            return Err(Stop { at: start, expected: "an end, as a document of so many values is not read" });
        }
        let Some(first) = self.bytes.get(start) else { return Err(Stop { at: start, expected: VALUE }) };
        let (kind, end) = match first {
            b'{' | b'[' => {
                if self.open.len() >= MAX_DEPTH {
                    return Err(Stop { at: start, expected: "values nested at most 127 deep" });
                }
                let kind = if *first == b'{' { Kind::Object } else { Kind::Array };
                self.push(kind, start..start + 1, false);
                self.open.push(self.nodes.len() - 1);
                self.at += 1;
                return Ok(true);
            }
            b'"' => (Kind::String, scan::string(self.bytes, start)),
            b'-' | b'0'..=b'9' => (Kind::Number, scan::number(self.text, start)),
            b't' => (Kind::Boolean, scan::literal(self.bytes, start, "true")),
            b'f' => (Kind::Boolean, scan::literal(self.bytes, start, "false")),
            b'n' => (Kind::Null, scan::literal(self.bytes, start, "null")),
            _ => return Err(Stop { at: start, expected: VALUE }),
        };
        match end {
            Ok(end) => {
                let may_go_on = kind == Kind::Number && end == self.bytes.len() && !self.open.is_empty();
                self.push(kind, start..end, !may_go_on);
                self.at = end;
                Ok(false)
            }
            Err(stop) => {
                // A number too large may turn out small when its exponent comes.
                let at_end = kind == Kind::Number && self.rest_is_number(start);
                if at_end && !self.open.is_empty() {
                    self.at = self.bytes.len();
                    self.push(kind, start..self.at, false);
                    return Err(Stop { at: self.at, expected: "the rest of the number" });
                }
                let end = scan::floor(self.text, stop.at).max(start + 1);
                self.push(kind, start..end, false);
                self.at = end;
                Err(stop)
            }
        }
    }

    /// Whether everything from `start` to the text's end may belong to one number that is too large.
    fn rest_is_number(&self, start: usize) -> bool {
        self.bytes.len() - start > f64::MAX_10_EXP.unsigned_abs() as usize
            && self.bytes[start..].iter().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'.'))
    }

    /// Reads a key and its colon; the value comes next.
    fn key(&mut self, expected: &'static str) -> Result<(), Stop> {
        let start = self.at;
        if self.bytes.get(start) != Some(&b'"') {
            return Err(Stop { at: start, expected });
        }
        let end = scan::string(self.bytes, start)?;
        let raw = &self.text[start + 1..end - 1];
        let name = if raw.contains('\\') { scan::unescape(raw).into() } else { raw.into() };
        self.next = Some(Step::Member { span: start..end, name });
        self.at = end;
        self.skip();
        if self.bytes.get(self.at) != Some(&b':') {
            return Err(Stop { at: self.at, expected: "a colon after the key" });
        }
        self.at += 1;
        Ok(())
    }

    fn push(&mut self, kind: Kind, span: Range<usize>, is_complete: bool) {
        let parent = self.open.last().copied();
        let step = match (self.next.take(), parent) {
            (Some(step), _) => step,
            (None, Some(parent)) => Step::Item(self.nodes[parent].children),
            (None, None) => Step::Root,
        };
        if let Some(parent) = parent {
            self.nodes[parent].children += 1;
        }
        let (depth, end) = (self.open.len(), self.nodes.len() + 1);
        self.nodes.push(Node { kind, span, step, parent, depth, children: 0, is_complete, end });
    }

    /// Ends the innermost container at the current byte.
    fn close(&mut self) {
        self.at += 1;
        if let Some(index) = self.open.pop() {
            let end = self.nodes.len();
            let node = &mut self.nodes[index];
            node.span.end = self.at;
            node.is_complete = true;
            node.end = end;
        }
    }

    /// Whether the innermost container is an object.
    fn is_object(&self) -> bool {
        self.open.last().is_some_and(|index| self.nodes[*index].kind == Kind::Object)
    }

    fn skip(&mut self) {
        self.at = skip_space(self.bytes, self.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn fault(text: &str) -> ParseFault {
        Document::read(text).fault.unwrap()
    }

    /// Returns the value of a complete node, put together from what it holds.
    fn value(text: &str, document: &Document, node: usize) -> Value {
        let own = &document.nodes[node];
        match own.kind {
            Kind::Array => document.children(node).map(|child| value(text, document, child)).collect(),
            Kind::Object => document
                .children(node)
                .map(|child| (document.name(child).unwrap().to_owned(), value(text, document, child)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Kind::String => scan::unescape(&text[own.span.start + 1..own.span.end - 1]).into(),
            Kind::Number | Kind::Boolean | Kind::Null => text[own.span.clone()].parse().unwrap(),
        }
    }

    #[test]
    fn values_stand_where_the_text_has_them() {
        let text = " {\"items\": [1, {\"na\\u006de\": \"값\"}, []], \"ok\":true} ";
        let document = Document::read(text);
        assert!(document.is_complete() && document.nodes.iter().all(|node| node.is_complete));
        let shown: Vec<(String, &str)> = (0..document.nodes.len())
            .map(|node| (document.path(node), &text[document.nodes[node].span.clone()]))
            .collect();
        let expected = [
            ("$", "{\"items\": [1, {\"na\\u006de\": \"값\"}, []], \"ok\":true}"),
            ("$.items", "[1, {\"na\\u006de\": \"값\"}, []]"),
            ("$.items[0]", "1"),
            ("$.items[1]", "{\"na\\u006de\": \"값\"}"),
            ("$.items[1].name", "\"값\""),
            ("$.items[2]", "[]"),
            ("$.ok", "true"),
        ];
        assert_eq!(shown, expected.map(|(path, text)| (path.to_owned(), text)));
        let Step::Member { span, .. } = &document.nodes[6].step else { panic!() };
        assert_eq!(&text[span.clone()], "\"ok\"");
        assert_eq!(document.children(0).collect::<Vec<_>>(), [1, 6]);
        assert_eq!(
            (document.member(0, "ok"), document.item(1, 2), document.item(1, 3)),
            (Some(6), Some(5), None)
        );
    }

    #[test]
    fn faults_say_what_was_expected_and_where() {
        for (text, at, path, expected) in [
            ("[1, 2,]", 6, "$", VALUE),
            ("{\"a\": 1,}", 8, "$", KEY),
            ("{a: 1}", 1, "$", KEY_OR_CLOSE),
            ("{\"a\" 1}", 5, "$.a", "a colon after the key"),
            ("{\"a\": }", 6, "$.a", VALUE),
            ("{\"a\": [tru]}", 10, "$.a[0]", "true"),
            ("{\"a\": 1 \"b\": 2}", 8, "$", "a comma or }"),
            ("[1 2]", 3, "$", "a comma or ]"),
            ("[01]", 2, "$[0]", "no digit after a leading 0"),
            ("{} x", 3, "$", NOTHING),
            ("Sure! {}", 0, "$", VALUE),
            ("['a']", 1, "$", VALUE),
            ("[NaN]", 1, "$", VALUE),
            ("```rust\n{}\n```", 0, "$", VALUE),
        ] {
            let fault = fault(text);
            assert_eq!((fault.at, fault.path.as_str(), fault.expected), (at, path, expected), "{text}");
            assert!(!fault.is_cut, "{text}");
        }
    }

    #[test]
    fn a_cut_text_keeps_what_came() {
        let text = "{\"a\": [1, \"가나";
        let document = Document::read(text);
        let last = document.nodes.last().unwrap();
        assert_eq!((&text[last.span.clone()], last.is_complete), ("\"가나", false));
        let fault = document.fault.unwrap();
        assert_eq!((fault.path.as_str(), fault.node, fault.is_cut), ("$.a[1]", Some(3), true));
        assert_eq!(document.nodes[0].span.end, text.len());
        assert_eq!(document.nodes.iter().filter(|node| node.is_complete).count(), 1);
        // A number goes on while it can.
        assert!(!Document::read("[12").nodes[1].is_complete);
        assert!(Document::read("12").is_complete());
        for empty in ["", " \n"] {
            assert!(self::fault(empty).is_cut);
        }
        let awaited = self::fault("{\"name\":");
        assert_eq!((awaited.path.as_str(), awaited.node), ("$.name", Some(0)));
    }

    #[test]
    fn a_code_fence_is_read_through_and_reported() {
        for text in ["```json\n[1]\n```", "```\n[1]\n```\n", " ````JSON \n[1]\n````", "```json\r\n[1]\n``"] {
            let document = Document::read(text);
            assert!(document.is_complete() && document.is_fenced, "{text}: {:?}", document.fault);
            assert_eq!(&text[document.nodes[0].span.clone()], "[1]");
        }
        for cut in ["`", "``", "```", "```js", "```json", "```json\n"] {
            assert!(fault(cut).is_cut, "{cut}");
        }
        assert_eq!(fault("```json\n[1]\n```\nThat is all.").expected, NOTHING);
        assert_eq!(fault("[1] ```").expected, NOTHING);
    }

    #[test]
    fn depth_is_bounded_as_it_is_for_the_validator() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert!(Document::read(&nested(MAX_DEPTH)).is_complete());
            assert!(serde_json::from_str::<Value>(&nested(MAX_DEPTH)).is_ok());
            let fault = fault(&nested(MAX_DEPTH + 1));
            assert_eq!((fault.at, fault.is_cut), (open.len() * MAX_DEPTH, false));
            assert!(serde_json::from_str::<Value>(&nested(MAX_DEPTH + 1)).is_err());
        }
        assert_eq!(Document::read(&"[".repeat(1_000_000)).nodes.len(), MAX_DEPTH);
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let text = format!("[{}1]", "1,".repeat(MAX_NODES));
        let document = Document::read(&text);
        assert_eq!(document.nodes.len(), MAX_NODES);
        assert!(!document.fault.unwrap().is_cut);
    }

    #[test]
    fn repeated_keys_are_told_and_the_last_one_counts() {
        let document = Document::read(r#"{"a": 1, "b": {"a": 2}, "\u0061": 3, "a": 4}"#);
        assert!(document.is_complete());
        assert_eq!(document.repeated, [4, 5]);
        assert_eq!(document.member(0, "a"), Some(5));
        let many: Vec<String> = (0..40).map(|key| format!("\"{}\": {key}", key % 39)).collect();
        assert_eq!(Document::read(&format!("{{{}}}", many.join(","))).repeated, [40]);
    }

    #[test]
    fn a_number_too_large_may_still_become_small() {
        let long = "1".repeat(400);
        assert!(fault(&format!("[{long}")).is_cut);
        assert!(Document::read(&format!("[{long}e-200]")).is_complete());
        assert!(!fault(&format!("[{long}]")).is_cut);
    }

    /// JSON as programs and models write it: any white space, any escapes, any kind of number.
    fn json() -> impl Strategy<Value = String> {
        let string = prop::collection::vec(
            prop_oneof![
                "[a-zA-Z 가-힣🙂👨‍👩é\u{0}]{0,3}".prop_map(|text| {
                    let quoted = serde_json::to_string(&text).unwrap();
                    quoted[1..quoted.len() - 1].to_owned()
                }),
                "\\\\[\"/bfnrt\\\\]",
                "\\\\u[0-9a-cA-C][0-9a-fA-F]{3}",
                "\\\\ud8[0-9a-f]{2}\\\\uDC[0-9a-f]{2}",
            ],
            0..4,
        )
        .prop_map(|parts| format!("\"{}\"", parts.concat()))
        .boxed();
        let scalar = prop_oneof![
            string.clone(),
            "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?",
            Just("true".to_owned()),
            Just("false".to_owned()),
            Just("null".to_owned()),
        ];
        let space = || "[ \n\r\t]{0,2}";
        scalar.prop_recursive(4, 24, 4, move |inner| {
            let item = (space(), inner, space()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
            let member = (space(), string.clone(), space(), item.clone())
                .prop_map(|(a, key, b, value)| format!("{a}{key}{b}:{value}"));
            prop_oneof![
                prop::collection::vec(item, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(","))),
            ]
        })
    }

    proptest! {
        /// What is JSON reads as the values serde_json reads, and every prefix of it is merely cut.
        #[test]
        fn json_is_read_and_its_prefixes_are_cut(text in json()) {
            let document = Document::read(&text);
            prop_assert_eq!(&document.fault, &None);
            let expected: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(value(&text, &document, 0), expected);
            for (at, _) in text.char_indices() {
                let cut = Document::read(&text[..at]);
                if let Some(fault) = cut.fault {
                    prop_assert!(fault.is_cut, "{:?}: {}", &text[..at], fault);
                }
            }
        }

        /// One character more, less or exchanged: both readers think the same of it.
        #[test]
        fn slips_are_judged_as_serde_json_judges_them(
            text in json(),
            at in any::<prop::sample::Index>(),
            with in "[\\[\\]{}:,\"\\\\0-9eE.+a-zA-Z \n\u{0}-]{0,2}",
            drops in any::<bool>(),
        ) {
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let start = starts[at.index(starts.len())];
            let end = if drops { text[start..].chars().next().map_or(start, |c| start + c.len_utf8()) } else { start };
            let slip = format!("{}{with}{}", &text[..start], &text[end..]);
            let document = Document::read(&slip);
            let theirs = serde_json::from_str::<Value>(&slip);
            prop_assert_eq!(document.is_complete(), theirs.is_ok(), "{:?}: {:?}, {:?}", &slip, document.fault, theirs);
        }

        /// Any text at all is judged as serde_json judges it, without a panic; nodes keep to their parents.
        #[test]
        fn soup_is_judged_as_serde_json_judges_it(text in "[\\[\\]{}:,\"\\\\0-9eE.+\\-truefalsn ud8`\n가🙂]{0,24}") {
            let document = Document::read(&text);
            if !document.is_fenced {
                prop_assert_eq!(document.is_complete(), serde_json::from_str::<Value>(&text).is_ok(), "{:?}", &text);
            }
            let mut after = 0;
            for node in &document.nodes {
                prop_assert!(text.get(node.span.clone()).is_some_and(|text| !text.is_empty()));
                prop_assert!(node.span.start >= after);
                after = node.span.start + 1;
                if let Some(parent) = node.parent {
                    let holder = &document.nodes[parent];
                    prop_assert!(holder.span.start < node.span.start && node.span.end <= holder.span.end);
                    prop_assert_eq!(node.depth, holder.depth + 1);
                }
            }
        }
    }
}
