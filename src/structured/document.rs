//! A JSON document as a flat list of its values in the order of the text.
//!
//! Owns the values' byte ranges, their keys and places, and what was wrong with the text. Values are not
//! converted: a number is the text it was written as. A document is also made of a text that is cut or
//! faulty: everything before the fault is there, and what was open is not complete.
//!
//! Invariant: a node's descendants follow it directly, so a subtree is a range of indices.

use crate::structured::fault::ParseFault;
use crate::structured::path::{self, Segment};
use crate::structured::reader;
use serde::Serialize;
use std::collections::HashSet;
use std::ops::Range;

/// Deepest nesting that is read. The reader that feeds the schema validator stops there too.
pub const MAX_DEPTH: usize = 127;

/// Most values that are read: more than an answer can hold, few enough to be kept while it streams.
pub const MAX_NODES: usize = 1 << 20;

/// Objects up to this many members are searched for repeated keys pair by pair.
const FEW: usize = 16;

/// What a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Members with keys.
    Object,
    /// Items in order.
    Array,
    /// A text in quotes.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `null`.
    Null,
}

impl Kind {
    /// Whether values of this kind hold other values.
    #[must_use]
    pub fn is_container(self) -> bool {
        matches!(self, Self::Object | Self::Array)
    }
}

/// How a value is reached from the one that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is the document.
    Root,
    /// It is a member of an object.
    Member {
        /// Byte range of the key with its quotes.
        span: Range<usize>,
        /// The key without quotes and escapes.
        name: Box<str>,
    },
    /// It is the item of an array with this index.
    Item(usize),
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Byte range of the value; a string's quotes are part of it.
    pub span: Range<usize>,
    /// How it is reached from its parent.
    pub step: Step,
    /// Index of the value that holds it.
    pub parent: Option<usize>,
    /// How many values hold it.
    pub depth: usize,
    /// How many values it holds directly.
    pub children: usize,
    /// Whether its end was seen. A number that ends with the text may go on, unless it is the document.
    pub is_complete: bool,
    /// Index after its last descendant.
    pub(super) end: usize,
}

/// The values of a text, and what was wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// The values in the order of the text; a parent stands before what it holds.
    pub nodes: Vec<Node>,
    /// Why the text is no document, or not yet one.
    pub fault: Option<ParseFault>,
    /// Members whose key an earlier member of the same object has; readers keep the last one.
    pub repeated: Vec<usize>,
    /// Whether the document stands in a Markdown code fence, which a program would stumble over.
    pub is_fenced: bool,
}

impl Document {
    /// Returns what a text holds: strict JSON, alone or in a Markdown code fence, perhaps cut short.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut document = reader::read(text);
        document.repeated = repeated(&document);
        document
    }

    /// Whether the whole text was read and is a document.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.fault.is_none() && !self.nodes.is_empty()
    }

    /// Returns the JSON path of a node, such as `$.items[2].name`.
    #[must_use]
    pub fn path(&self, node: usize) -> String {
        path::write(self.steps(node))
    }

    /// Returns the steps from a node up to the root.
    pub(super) fn steps(&self, node: usize) -> impl Iterator<Item = Segment<'_>> {
        let upwards = std::iter::successors(self.nodes.get(node), |node| self.nodes.get(node.parent?));
        upwards.filter_map(|node| match &node.step {
            Step::Root => None,
            Step::Member { name, .. } => Some(Segment::Name(name)),
            Step::Item(index) => Some(Segment::Item(*index)),
        })
    }

    /// Returns the indices of the values that a node holds directly, in order.
    pub fn children(&self, node: usize) -> impl Iterator<Item = usize> {
        let end = self.nodes.get(node).map_or(0, |node| node.end);
        let first = (node + 1 < end).then_some(node + 1);
        std::iter::successors(first, move |child| {
            let next = self.nodes.get(*child)?.end;
            (next < end).then_some(next)
        })
    }

    /// Returns the member of an object with this key; the last one where a key is repeated.
    #[must_use]
    pub fn member(&self, object: usize, key: &str) -> Option<usize> {
        self.children(object).filter(|child| self.name(*child) == Some(key)).last()
    }

    /// Returns the item of an array at an index.
    #[must_use]
    pub fn item(&self, array: usize, index: usize) -> Option<usize> {
        self.children(array).nth(index)
    }

    /// Returns the key of a member; `None` for items and the root.
    #[must_use]
    pub fn name(&self, node: usize) -> Option<&str> {
        match &self.nodes.get(node)?.step {
            Step::Member { name, .. } => Some(name),
            Step::Root | Step::Item(_) => None,
        }
    }
}

/// Returns the members whose key stood before in the same object.
fn repeated(document: &Document) -> Vec<usize> {
    let mut found = Vec::new();
    let mut members: Vec<(&str, usize)> = Vec::new();
    for (index, node) in document.nodes.iter().enumerate() {
        if node.kind != Kind::Object || node.children < 2 {
            continue;
        }
        members.clear();
        members.extend(document.children(index).filter_map(|child| Some((document.name(child)?, child))));
        if members.len() <= FEW {
            let is_repeated = |at: &usize| members[..*at].iter().any(|(name, _)| *name == members[*at].0);
            found.extend((1..members.len()).filter(is_repeated).map(|at| members[at].1));
        } else {
            // One set for each object: a set kept for all would be cleared at the size of the largest.
            let mut seen = HashSet::with_capacity(members.len());
            found.extend(members.iter().filter(|(name, _)| !seen.insert(*name)).map(|(_, at)| *at));
        }
    }
    found.sort_unstable();
    found
}
