//! The laid-out texts: one cache for conversation and comparison.
//!
//! A text is laid out again only when it grew, its width changed, or it is shown raw instead of
//! rendered. Invariant: a text under one key only ever grows; a changed text gets a new key.

use crate::app::msg::{CodeKey, DocumentKey, Effect};
use crate::markup::{CodeBlock, Document, LineTones};
use std::collections::HashMap;

/// How many layouts are kept; more than any screen shows, so scrolling back and forth is free.
const KEPT: usize = 96;

/// How a text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Markdown is rendered.
    Rendered,
    /// Every character as it came.
    Raw,
}

#[derive(Debug)]
struct Entry {
    document: Document,
    look: Look,
    width: u16,
    length: usize,
    used: u64,
    /// Whether lines of it are being coloured.
    in_flight: bool,
}

/// The laid-out texts.
#[derive(Debug, Default)]
pub struct Documents {
    entries: HashMap<DocumentKey, Entry>,
    clock: u64,
}

impl Documents {
    /// Returns the layout of a text at a width, made or extended as needed.
    pub fn lay_out(&mut self, key: DocumentKey, text: &str, width: u16, look: Look) -> &Document {
        self.clock += 1;
        let clock = self.clock;
        let fresh = || Entry {
            document: match look {
                Look::Rendered => Document::markdown(),
                Look::Raw => Document::plain(),
            },
            look,
            width: 0,
            length: 0,
            used: clock,
            in_flight: false,
        };
        let entry = self.entries.entry(key).or_insert_with(fresh);
        if entry.look != look {
            *entry = fresh();
        }
        entry.used = clock;
        if entry.width != width || entry.length != text.len() {
            entry.document.update(text, width);
            (entry.width, entry.length) = (width, text.len());
        }
        &entry.document
    }

    /// Returns the layout of a text if there is one.
    #[must_use]
    pub fn get(&self, key: DocumentKey) -> Option<&Document> {
        self.entries.get(&key).map(|entry| &entry.document)
    }

    /// Returns a request to colour the complete lines of a code block that have no colours yet, one
    /// per text at a time.
    pub fn uncoloured(&mut self, key: DocumentKey) -> Option<Effect> {
        let entry = self.entries.get_mut(&key)?;
        if entry.look != Look::Rendered || entry.in_flight {
            return None;
        }
        let text = entry.document.text();
        let has_plain_lines = |block: &&CodeBlock| {
            block.complete_lines() > block.toned_lines() && !block.language(text).is_empty()
        };
        let blocks = entry.document.code_blocks();
        let number = blocks.iter().position(|block| has_plain_lines(&block))?;
        let block = &blocks[number];
        let from_line = block.toned_lines();
        entry.in_flight = true;
        Some(Effect::Highlight {
            key: CodeKey { text: key, block: number },
            language: block.language(text).to_owned(),
            from_line,
            text: block.code(text, from_line..block.complete_lines()),
        })
    }

    /// Applies colours to a code block.
    pub fn colour(&mut self, key: CodeKey, from_line: usize, lines: Vec<LineTones>) {
        if let Some(entry) = self.entries.get_mut(&key.text) {
            entry.in_flight = false;
            entry.document.set_highlight(key.block, from_line, lines);
        }
    }

    /// Forgets the layouts that were not used for longest.
    pub fn trim(&mut self) {
        if self.entries.len() > KEPT * 2 {
            let mut ages: Vec<u64> = self.entries.values().map(|entry| entry.used).collect();
            ages.sort_unstable();
            let oldest = ages[ages.len() - KEPT];
            self.entries.retain(|_, entry| entry.used >= oldest);
        }
    }
}
