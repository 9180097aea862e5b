//! Answers that are JSON: where each value stands, whether it is what was asked for, and how sure the
//! model was of it.
//!
//! Owns reading an answer's text into a flat [`document::Document`] of values with their byte ranges,
//! checking it against a [`schema::Schema`], and laying the answer's tokens over it as a [`tree::Tree`].
//! Never repairs an answer, never asks a model, and resolves no reference outside the schema's own text.
//!
//! The probability of a value is that all its tokens are written in a row and that it ends with them: a
//! text ends with its quote, `true` by itself, a number where the next token does not go on with it.
//!
//! Invariant: every probability shown is one the server reported or a sum of such; what follows only
//! under an assumption about what was not returned is a range.

pub mod allowed;
pub mod alternatives;
pub mod document;
pub mod fault;
mod path;
mod reader;
mod scan;
pub mod schema;
pub mod shape;
pub mod tokens;
pub mod tree;
pub mod violation;
