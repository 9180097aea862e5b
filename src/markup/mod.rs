//! Markdown to rows of source ranges at a width, incrementally; and code highlighting.
//!
//! Owns the way from the text of a message to what stands on which row. Never draws and never copies
//! text into rows: a [`Span`] names bytes of the message, so heat colours, the token cursor and the
//! selection are laid over it at draw time without wrapping anything again.
//!
//! ```text
//! text ── segment ──► blocks that no later text can change ── layout/table/code ──► rows (kept)
//!                └──► the open tail                         ── the same           ──► rows (redone)
//! ```
//!
//! Invariant: the rows are a function of text and width alone; how the text arrived does not matter.

mod calm;
mod cluster;
mod code;
mod document;
mod highlight;
mod indent;
mod inline;
mod layout;
mod line;
mod row;
mod segment;
mod table;
mod wrap;

pub use code::{CodeBlock, LineTones};
pub use document::Document;
pub use highlight::Highlighter;
pub use row::{CodeTone, Emphasis, Source, Span, Tone};
pub use wrap::wrap;
