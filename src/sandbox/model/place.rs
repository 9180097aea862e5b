//! How far a document is, byte by byte: what may come next, and whether all is told.
//!
//! Owns the set of ways in which what is written so far can be read. A document has one layout: one
//! space after a colon and after a comma, none elsewhere, the members of an object in the order of the
//! schema. Within that, it accepts what the grammar does, up to a depth and a length.
//!
//! Invariant: a document that was accepted so far can be finished.

use super::grammar::{Grammar, MOST_DEPTH, Node, NodeId};
use super::number::Digits;

/// Ways to read a document that are followed at once; the first ones suffice to finish it.
const MOST_WAYS: usize = 512;

/// A text of the layout that can only be written in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fixed {
    /// `{`, of an object.
    OpenObject(NodeId),
    /// `}`.
    CloseObject,
    /// A member's name and colon, after a comma unless it is the first one told.
    Name { node: NodeId, member: usize, is_first: bool, skipped: usize },
    /// `[`, of a list.
    OpenArray(NodeId),
    /// `]`, after so many items.
    CloseArray(usize),
    /// The comma before the next item, after so many.
    Comma(usize),
    /// `"`, of a text.
    OpenText(NodeId),
}

/// The rest of a character that was begun: how many bytes are missing, and what the next one may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missing {
    bytes: u8,
    least: u8,
    most: u8,
}

impl Missing {
    /// Returns what is missing after a first byte; `None` where no character begins with it.
    fn after(byte: u8) -> Option<Self> {
        let (bytes, least, most) = match byte {
            0xc2..=0xdf => (1, 0x80, 0xbf),
            0xe0 => (2, 0xa0, 0xbf),
            0xed => (2, 0x80, 0x9f),
            0xe1..=0xef => (2, 0x80, 0xbf),
            0xf0 => (3, 0x90, 0xbf),
            0xf4 => (3, 0x80, 0x8f),
            0xf1..=0xf3 => (3, 0x80, 0xbf),
            _ => return None,
        };
        Some(Self { bytes, least, most })
    }
}

/// Something that is open, the outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// A value is about to begin.
    Value(NodeId),
    /// An object whose members from this one on may follow.
    Members { node: NodeId, from: usize, is_first: bool },
    /// A list with so many items.
    Items { node: NodeId, count: usize },
    /// A fixed text, of which so many bytes are written.
    Fixed(Fixed, usize),
    /// A text of so many characters.
    Text { node: NodeId, count: usize, is_escaped: bool, missing: Option<Missing> },
    /// A number.
    Number { node: NodeId, digits: Digits },
    /// One of the values of this range, which have so many bytes in common.
    Literal { node: NodeId, from: usize, to: usize, at: usize },
}

/// One way to read what is written.
type Way = Vec<Frame>;

/// The bytes that may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Offer([u128; 2]);

impl Offer {
    fn add(&mut self, byte: u8) {
        self.0[usize::from(byte >> 7)] |= 1 << (byte & 0x7f);
    }

    /// Whether a byte is among them.
    pub(super) fn has(self, byte: u8) -> bool {
        self.0[usize::from(byte >> 7)] >> (byte & 0x7f) & 1 == 1
    }

    /// Returns them.
    pub(super) fn bytes(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |byte| self.has(*byte))
    }

    /// Returns the only one, if there is only one.
    pub(super) fn single(self) -> Option<u8> {
        let [low, high] = self.0;
        match (low.count_ones(), high.count_ones()) {
            (1, 0) => u8::try_from(low.trailing_zeros()).ok(),
            (0, 1) => u8::try_from(high.trailing_zeros() + 128).ok(),
            _ => None,
        }
    }
}

/// How far a document is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    ways: Vec<Way>,
}

impl Place {
    /// Returns the place before a document.
    #[must_use]
    pub(super) fn new(grammar: &Grammar) -> Self {
        let mut place = Self { ways: Vec::new() };
        settle(grammar, vec![Frame::Value(grammar.root())], &mut place.ways);
        place
    }

    /// Goes over a byte and returns whether that was possible; if not, nothing leads on from here.
    pub(super) fn step(&mut self, grammar: &Grammar, byte: u8) -> bool {
        let mut next = Vec::new();
        for way in std::mem::take(&mut self.ways) {
            follow(grammar, way, byte, &mut next);
            if next.len() >= MOST_WAYS {
                next.truncate(MOST_WAYS);
                break;
            }
        }
        self.ways = next;
        !self.ways.is_empty()
    }

    /// Returns the place after these bytes, if they are possible.
    #[must_use]
    pub(super) fn after(&self, grammar: &Grammar, bytes: &[u8]) -> Option<Self> {
        let mut place = self.clone();
        bytes.iter().all(|byte| place.step(grammar, *byte)).then_some(place)
    }

    /// Whether the document may end here.
    #[must_use]
    pub(super) fn is_complete(&self, grammar: &Grammar) -> bool {
        self.ways.iter().any(|way| match way.as_slice() {
            [] => true,
            [last] => is_finished(grammar, last),
            _ => false,
        })
    }

    /// Returns the bytes that may come next.
    pub(super) fn offer(&self, grammar: &Grammar) -> Offer {
        let mut offer = Offer::default();
        for way in &self.ways {
            offered(grammar, way, &mut offer);
        }
        offer
    }

    /// Returns the bytes that must come next, up to the first choice.
    pub(super) fn forced(&self, grammar: &Grammar, most: usize) -> Vec<u8> {
        let (mut place, mut bytes) = (self.clone(), Vec::new());
        while bytes.len() < most
            && !place.is_complete(grammar)
            && let Some(byte) = place.offer(grammar).single()
            && place.step(grammar, byte)
        {
            bytes.push(byte);
        }
        bytes
    }

    /// Returns how many characters the text that is being told has, and between how many it must end;
    /// `None` outside of texts and inside of characters.
    pub(super) fn text(&self, grammar: &Grammar) -> Option<(usize, usize, usize)> {
        self.ways.iter().find_map(|way| match way.last() {
            Some(Frame::Text { node, count, is_escaped: false, missing: None }) => {
                let (least, most) = grammar.lengths(*node);
                Some((*count, least, most))
            }
            Some(_) | None => None,
        })
    }

    /// Whether some text is being told here.
    pub(super) fn is_in_text(&self) -> bool {
        self.ways.iter().any(|way| matches!(way.last(), Some(Frame::Text { .. })))
    }

    /// Returns what is open innermost in each way to read the document, with all ways on from its end.
    pub(super) fn fronts(&self, grammar: &Grammar) -> Vec<Frame> {
        let mut fronts = Vec::new();
        for way in &self.ways {
            front(grammar, way, &mut fronts);
        }
        fronts
    }
}

fn front(grammar: &Grammar, way: &[Frame], fronts: &mut Vec<Frame>) {
    let Some((last, outer)) = way.split_last() else { return };
    fronts.push(*last);
    if is_finished(grammar, last) {
        let mut ways = Vec::new();
        settle(grammar, outer.to_vec(), &mut ways);
        for way in ways {
            front(grammar, &way, fronts);
        }
    }
}

/// Returns the text of a fixed part.
pub(super) fn text_of(grammar: &Grammar, fixed: Fixed) -> String {
    match fixed {
        Fixed::OpenObject(_) => "{".to_owned(),
        Fixed::CloseObject => "}".to_owned(),
        Fixed::OpenArray(_) => "[".to_owned(),
        Fixed::CloseArray(_) => "]".to_owned(),
        Fixed::Comma(_) => ", ".to_owned(),
        Fixed::OpenText(_) => "\"".to_owned(),
        Fixed::Name { node, member, is_first, .. } => {
            let name = grammar.members(node).get(member).map_or("", |member| &member.name);
            format!("{}{name}: ", if is_first { "" } else { ", " })
        }
    }
}

/// Whether a value is one as it stands, although more could follow.
fn is_finished(grammar: &Grammar, frame: &Frame) -> bool {
    match frame {
        Frame::Number { node, digits } => {
            grammar.bounds(*node).is_some_and(|bounds| digits.is_complete(bounds))
        }
        Frame::Literal { node, from, at, .. } => grammar.literals(*node)[*from].len() == *at,
        Frame::Value(_)
        | Frame::Members { .. }
        | Frame::Items { .. }
        | Frame::Fixed(..)
        | Frame::Text { .. } => false,
    }
}

/// Whether a part can be finished with so many objects and arrays open.
fn fits(grammar: &Grammar, outer: &[Frame], node: NodeId) -> bool {
    let open = outer.iter().filter(|frame| matches!(frame, Frame::Members { .. } | Frame::Items { .. }));
    open.count().saturating_add(grammar.need(node)) <= MOST_DEPTH
}

/// Adds all ways on from one whose last frame may stand for several.
fn settle(grammar: &Grammar, mut way: Way, ways: &mut Vec<Way>) {
    if ways.len() >= MOST_WAYS {
        return;
    }
    let mut add = |way: &[Frame], more: &[Frame]| {
        let next: Way = way.iter().chain(more).copied().collect();
        settle(grammar, next, ways);
    };
    match way.pop() {
        None => ways.push(way),
        Some(Frame::Value(node)) => match &grammar.nodes()[node] {
            Node::Object(_) => add(&way, &[Frame::Fixed(Fixed::OpenObject(node), 0)]),
            Node::Array { .. } => add(&way, &[Frame::Fixed(Fixed::OpenArray(node), 0)]),
            Node::Text { .. } => add(&way, &[Frame::Fixed(Fixed::OpenText(node), 0)]),
            Node::Number(_) => add(&way, &[Frame::Number { node, digits: Digits::default() }]),
            Node::Literals(list) => add(&way, &[Frame::Literal { node, from: 0, to: list.len(), at: 0 }]),
            Node::Any(parts) => {
                for part in parts.iter().filter(|part| fits(grammar, &way, **part)) {
                    add(&way, &[Frame::Value(*part)]);
                }
            }
        },
        Some(Frame::Members { node, from, is_first }) => {
            let members = grammar.members(node);
            let required = members[from..].iter().position(|member| member.is_required);
            for skipped in 0..required.map_or(members.len() - from, |required| required + 1) {
                let member = from + skipped;
                let frame = Frame::Members { node, from: member + 1, is_first: false };
                let open = [&way[..], &[frame]].concat();
                if fits(grammar, &open, members[member].node) {
                    let name = Fixed::Name { node, member, is_first, skipped };
                    add(&open, &[Frame::Value(members[member].node), Frame::Fixed(name, 0)]);
                }
            }
            if required.is_none() {
                add(&way, &[Frame::Fixed(Fixed::CloseObject, 0)]);
            }
        }
        Some(Frame::Items { node, count }) => {
            let (items, least, most) = grammar.list(node);
            let open = [&way[..], &[Frame::Items { node, count: count + 1 }, Frame::Value(items)]].concat();
            if count < most && fits(grammar, &open[..open.len() - 1], items) {
                let comma = [Frame::Fixed(Fixed::Comma(count), 0)];
                add(&open, if count == 0 { &[] } else { &comma });
            }
            if count >= least {
                add(&way, &[Frame::Fixed(Fixed::CloseArray(count), 0)]);
            }
        }
        Some(last) => {
            way.push(last);
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
    }
}

/// Adds all ways on from one over a byte.
fn follow(grammar: &Grammar, mut way: Way, byte: u8, ways: &mut Vec<Way>) {
    let Some(last) = way.pop() else { return };
    match last {
        Frame::Fixed(fixed, at) => {
            let text = text_of(grammar, fixed);
            if text.as_bytes().get(at) != Some(&byte) {
                return;
            }
            if at + 1 < text.len() {
                way.push(Frame::Fixed(fixed, at + 1));
            } else {
                way.extend(match fixed {
                    Fixed::OpenObject(node) => Some(Frame::Members { node, from: 0, is_first: true }),
                    Fixed::OpenArray(node) => Some(Frame::Items { node, count: 0 }),
                    Fixed::OpenText(node) => {
                        Some(Frame::Text { node, count: 0, is_escaped: false, missing: None })
                    }
                    Fixed::CloseObject | Fixed::CloseArray(_) | Fixed::Comma(_) | Fixed::Name { .. } => None,
                });
            }
            settle(grammar, way, ways);
        }
        Frame::Text { node, count, is_escaped, missing } => {
            let (shortest, longest) = grammar.lengths(node);
            let open = |count, is_escaped, missing| Some(Frame::Text { node, count, is_escaped, missing });
            let next = match (missing, byte) {
                (Some(missing), _) if !(missing.least..=missing.most).contains(&byte) => return,
                (Some(Missing { bytes: 1, .. }), _) => open(count, false, None),
                (Some(Missing { bytes, .. }), _) => {
                    open(count, false, Some(Missing { bytes: bytes - 1, least: 0x80, most: 0xbf }))
                }
                (None, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') if is_escaped => {
                    open(count, false, None)
                }
                (None, _) if is_escaped => return,
                (None, b'"') if count < shortest => return,
                (None, b'"') => None,
                (None, 0..0x20) => return,
                (None, _) if count >= longest => return,
                (None, b'\\') => open(count + 1, true, None),
                (None, 0x20..0x80) => open(count + 1, false, None),
                (None, 0x80..) => match Missing::after(byte) {
                    Some(missing) => open(count + 1, false, Some(missing)),
                    None => return,
                },
            };
            way.extend(next);
            settle(grammar, way, ways);
        }
        Frame::Number { node, digits } => {
            let Some(bounds) = grammar.bounds(node) else { return };
            if let Some(digits) = digits.with(bounds, byte) {
                way.push(Frame::Number { node, digits });
                ways.push(way);
            } else if digits.is_complete(bounds) {
                leave(grammar, way, byte, ways);
            }
        }
        Frame::Literal { node, from, to, at } => {
            let values = grammar.literals(node);
            let fits = |text: &&String| text.as_bytes().get(at) == Some(&byte);
            let first = values[from..to].iter().position(|text| fits(&text));
            let Some(first) = first.map(|first| from + first) else {
                if values[from].len() == at {
                    leave(grammar, way, byte, ways);
                }
                return;
            };
            let count = values[first..to].iter().take_while(fits).count();
            if count == 1 && values[first].len() == at + 1 {
                settle(grammar, way, ways);
            } else {
                way.push(Frame::Literal { node, from: first, to: first + count, at: at + 1 });
                ways.push(way);
            }
        }
        Frame::Value(_) | Frame::Members { .. } | Frame::Items { .. } => {}
    }
}

/// Goes over a byte that ends a value and belongs to what is around it.
fn leave(grammar: &Grammar, outer: Way, byte: u8, ways: &mut Vec<Way>) {
    let mut around = Vec::new();
    settle(grammar, outer, &mut around);
    for way in around {
        follow(grammar, way, byte, ways);
    }
}

fn offered(grammar: &Grammar, way: &[Frame], offer: &mut Offer) {
    let Some((last, outer)) = way.split_last() else { return };
    match *last {
        Frame::Fixed(fixed, at) => {
            text_of(grammar, fixed).as_bytes().get(at).into_iter().for_each(|byte| offer.add(*byte));
        }
        Frame::Text { node, count, is_escaped, missing } => {
            let (shortest, longest) = grammar.lengths(node);
            let has_room = count < longest;
            match missing {
                Some(missing) => (missing.least..=missing.most).for_each(|byte| offer.add(byte)),
                None if is_escaped => b"\"\\/bfnrt".iter().for_each(|byte| offer.add(*byte)),
                None => {
                    if count >= shortest {
                        offer.add(b'"');
                    }
                    let letters = (0x20..0x80u8).filter(|byte| *byte != b'"');
                    let characters = (0x80..=0xffu8).filter(|byte| Missing::after(*byte).is_some());
                    letters.chain(characters).filter(|_| has_room).for_each(|byte| offer.add(byte));
                }
            }
        }
        Frame::Number { node, digits } => {
            if let Some(bounds) = grammar.bounds(node) {
                let bytes = b"-.0123456789".iter().filter(|byte| digits.with(bounds, **byte).is_some());
                bytes.for_each(|byte| offer.add(*byte));
            }
        }
        Frame::Literal { node, from, to, at } => {
            let bytes = grammar.literals(node)[from..to].iter().filter_map(|text| text.as_bytes().get(at));
            bytes.for_each(|byte| offer.add(*byte));
        }
        Frame::Value(_) | Frame::Members { .. } | Frame::Items { .. } => {}
    }
    if is_finished(grammar, last) {
        let mut around = Vec::new();
        settle(grammar, outer.to_vec(), &mut around);
        for way in around {
            offered(grammar, &way, offer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::model::grammar::Member;
    use crate::sandbox::model::number::Bounds;
    use proptest::prelude::*;

    fn text(least: usize, most: usize) -> Node {
        Node::Text { least, most }
    }

    fn literals(list: &[&str]) -> Node {
        Node::Literals(list.iter().map(|text| (*text).to_owned()).collect())
    }

    fn member(name: &str, node: NodeId, is_required: bool) -> Member {
        Member { name: format!("\"{name}\""), node, is_required }
    }

    /// A grammar with all there is: an object of a list of itself, texts, numbers, values, alternatives.
    fn all() -> Grammar {
        let bounds = Bounds::new(true, Some((1.0, false)), Some((120.0, false))).unwrap();
        let nodes = vec![
            text(1, 4),
            Node::Number(bounds),
            literals(&["\"a\"", "\"ab\"", "1", "12", "null"]),
            Node::Array { items: 5, least: 0, most: 2 },
            Node::Object(vec![
                member("a", 0, false),
                member("ab", 1, true),
                member("c", 2, false),
                member("d", 3, false),
            ]),
            Node::Any(vec![4, 2, 0]),
        ];
        Grammar::new(nodes, 4).unwrap()
    }

    fn is_document(grammar: &Grammar, text: &str) -> bool {
        Place::new(grammar).after(grammar, text.as_bytes()).is_some_and(|place| place.is_complete(grammar))
    }

    #[test]
    fn documents_of_one_layout_are_accepted() {
        let grammar = all();
        for text in [
            r#"{"ab": 1}"#,
            r#"{"a": "x\n🙂밤", "ab": 120, "c": "ab", "d": []}"#,
            r#"{"ab": 12, "c": 12, "d": [null, {"ab": 7}]}"#,
            r#"{"ab": 3, "d": ["\"", "a"]}"#,
        ] {
            assert!(is_document(&grammar, text), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok());
        }
        for text in [
            "{}",
            r#"{"ab":1}"#,
            r#"{ "ab": 1}"#,
            r#"{"ab": 0}"#,
            r#"{"ab": 121}"#,
            r#"{"ab": 1, "a": "x"}"#,
            r#"{"a": "", "ab": 1}"#,
            r#"{"a": "12345", "ab": 1}"#,
            r#"{"a": "\u0041", "ab": 1}"#,
            "{\"a\": \"\n\", \"ab\": 1}",
            r#"{"ab": 1, "c": "abc"}"#,
            r#"{"ab": 1, "d": [1, 1, 1]}"#,
            r#"{"ab": 1}}"#,
        ] {
            assert!(!is_document(&grammar, text), "{text}");
        }
        let (low, high) = (&[0x22, 0xed, 0xa0][..], &[0x22, 0xff][..]);
        let texts = Grammar::new(vec![text(0, 9)], 0).unwrap();
        for bytes in [low, high] {
            assert!(Place::new(&texts).after(&texts, bytes).is_none(), "no half of a pair and no stray byte");
        }
    }

    #[test]
    fn what_cannot_end_is_no_grammar() {
        let endless = vec![Node::Object(vec![member("x", 0, true)])];
        assert!(Grammar::new(endless, 0).is_none());
        assert!(Grammar::new(vec![Node::Any(vec![0])], 0).is_none());
        let list = vec![Node::Array { items: 0, least: 1, most: 3 }];
        assert!(Grammar::new(list, 0).is_none());
        // Alternatives that lead back to themselves are those that lead on.
        let around = Grammar::new(vec![Node::Any(vec![1, 2]), Node::Any(vec![0]), text(0, 3)], 0).unwrap();
        assert!(is_document(&around, "\"a\""));
    }

    #[test]
    fn depth_is_bounded() {
        let grammar = Grammar::new(vec![Node::Array { items: 0, least: 0, most: 3 }], 0).unwrap();
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(is_document(&grammar, &deep(MOST_DEPTH)) && !is_document(&grammar, &deep(MOST_DEPTH + 1)));
    }

    #[test]
    fn ways_are_bounded() {
        // Every level can be read in two ways, which only its end tells apart.
        let nodes = vec![
            Node::Object(vec![member("x", 2, false)]),
            Node::Object(vec![member("x", 2, false), member("y", 3, false)]),
            Node::Any(vec![0, 1]),
            text(0, 3),
        ];
        let grammar = Grammar::new(nodes, 2).unwrap();
        let mut place = Place::new(&grammar);
        for byte in "{\"x\": ".repeat(MOST_DEPTH).bytes().take(MOST_DEPTH * 6 - 10) {
            assert!(place.step(&grammar, byte));
            assert!(place.ways.len() <= MOST_WAYS);
        }
    }

    proptest! {
        /// What is offered is what can be gone over, and whatever is chosen, a document is reached.
        #[test]
        fn every_place_offers_what_it_takes_and_leads_to_a_document(
            choices in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        ) {
            let grammar = all();
            let (mut place, mut bytes) = (Place::new(&grammar), Vec::new());
            for round in 0..2000 {
                let offer = place.offer(&grammar);
                for byte in 0..=u8::MAX {
                    prop_assert_eq!(offer.has(byte), place.after(&grammar, &[byte]).is_some());
                }
                if round >= choices.len() && place.is_complete(&grammar) {
                    break;
                }
                let open: Vec<u8> = offer.bytes().collect();
                prop_assert!(!open.is_empty() || place.is_complete(&grammar), "{:?}", bytes);
                if open.is_empty() {
                    break;
                }
                // At the end, what closes something is preferred.
                let closing = open.iter().rev().find(|byte| b"]}\"".contains(byte)).or(open.first());
                let byte = match choices.get(round) {
                    Some(choice) => *choice.get(&open),
                    None => *closing.unwrap(),
                };
                prop_assert!(place.step(&grammar, byte));
                bytes.push(byte);
            }
            prop_assert!(place.is_complete(&grammar), "{:?}", String::from_utf8_lossy(&bytes));
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        }
    }
}
