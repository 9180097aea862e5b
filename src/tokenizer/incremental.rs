//! The count of a text that changes as it is typed.

use super::Table;

/// Counts a text again after each change.
#[derive(Debug)]
pub struct Counter {
    table: &'static Table,
    text: String,
    tokens: u64,
}

impl Counter {
    /// Returns a counter of the empty text.
    pub fn new(table: &'static Table) -> Self {
        Self { table, text: String::new(), tokens: 0 }
    }

    /// Replaces the text and returns its number of tokens.
    pub fn set_text(&mut self, text: &str) -> u64 {
        if self.text != text {
            text.clone_into(&mut self.text);
            self.tokens = self.table.count(text);
        }
        self.tokens
    }

    /// Appends to the text and returns its number of tokens.
    pub fn append(&mut self, text: &str) -> u64 {
        self.text.push_str(text);
        self.tokens = self.table.count(&self.text);
        self.tokens
    }

    /// Returns the number of tokens of the text.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }
}
