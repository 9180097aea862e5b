//! What leaves the program as a document: answers and sweeps as JSON, CSV, Markdown and pages.
//!
//! Owns the forms. Pure: texts and serialisable values come out, and whoever asked writes them, so the
//! workbench and the commands export the same. Figures have all their digits where programs read them,
//! and are written as on screen where people do.
//!
//! Invariant: nothing in a document is computed here that a surface computes too.

pub mod csv;
pub mod page;
pub mod record;
pub mod sweep;
