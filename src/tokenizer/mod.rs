//! Exact token counts and boundaries, and which vocabulary a model uses.
//!
//! Owns the vocabularies and everything that cuts text by them. Never guesses: a count is the number
//! of tokens the reference implementation gives for the same text, on any input, in linear time.
//!
//! Invariant: the byte ranges of [`Table::pieces`] partition the text, and their number is
//! [`Table::count`].

pub mod choice;
pub mod incremental;

pub use choice::{EncodingChoice, encoding_for};

use crate::core::model::Encoding;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::OnceLock;
use tiktoken_rs::CoreBPE;

static O200K: OnceLock<Table> = OnceLock::new();
static CL100K: OnceLock<Table> = OnceLock::new();

fn cell(encoding: Encoding) -> &'static OnceLock<Table> {
    match encoding {
        Encoding::O200kBase => &O200K,
        Encoding::Cl100kBase => &CL100K,
    }
}

/// Returns the table of an encoding, loading it on first use.
///
/// The first call takes up to a quarter of a second: call it from a worker thread.
pub fn table(encoding: Encoding) -> &'static Table {
    cell(encoding).get_or_init(|| Table::load(encoding))
}

/// Returns the table of an encoding if it is loaded; never loads and never blocks.
pub fn loaded(encoding: Encoding) -> Option<&'static Table> {
    cell(encoding).get()
}

/// A vocabulary, ready to cut text.
pub struct Table {
    core: &'static CoreBPE,
    bytes: Vec<Box<[u8]>>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("vocabulary", &self.vocabulary()).finish_non_exhaustive()
    }
}

impl Table {
    fn load(encoding: Encoding) -> Self {
        let core = match encoding {
            Encoding::O200kBase => tiktoken_rs::o200k_base_singleton(),
            Encoding::Cl100kBase => tiktoken_rs::cl100k_base_singleton(),
        };
        let bytes = (0..encoding.vocabulary())
            .map(|id| {
                let id = u32::try_from(id).unwrap_or(u32::MAX);
                core.decode_bytes(&[id]).unwrap_or_default().into_boxed_slice()
            })
            .collect();
        Self { core, bytes }
    }

    /// Returns the tokens of a text. Text that looks like a special token is text.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.core.encode(text, &HashSet::new()).map(|(tokens, _)| tokens).unwrap_or_default()
    }

    /// Returns the number of tokens of a text.
    pub fn count(&self, text: &str) -> u64 {
        self.encode(text).len() as u64
    }

    /// Returns the bytes of a token, which may be part of a character.
    pub fn bytes(&self, token: u32) -> Option<&[u8]> {
        self.bytes.get(token as usize).map(AsRef::as_ref)
    }

    /// Returns the byte range of every token of a text. A range may begin or end inside a character.
    pub fn pieces(&self, text: &str) -> Vec<Range<usize>> {
        let mut start = 0;
        self.encode(text)
            .into_iter()
            .map(|token| {
                let end = start + self.bytes(token).map_or(0, <[u8]>::len);
                let range = start..end;
                start = end;
                range
            })
            .collect()
    }

    /// Returns the number of ordinary tokens; their ids are the numbers below it.
    pub fn vocabulary(&self) -> usize {
        self.bytes.len()
    }
}
