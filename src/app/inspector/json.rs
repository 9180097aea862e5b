//! An answer that is JSON, as the inspector shows it: the tree, and which of its rows the token cursor
//! is in.
//!
//! Built anew when the answer has grown, and only while it is looked at. A long answer that is still
//! arriving is read when it has arrived.

use crate::core::id::RunId;
use crate::core::request::ResponseFormat;
use crate::core::run::Run;
use crate::structured::schema::Schema;
use crate::structured::tree::Tree;

/// Longest answer in bytes that is read anew with each of its tokens.
const SHORT: usize = 16 * 1024;

/// The tree of an answer.
#[derive(Debug)]
pub struct Json {
    run: RunId,
    bytes: usize,
    is_ended: bool,
    /// Its values and what is known of them.
    pub tree: Tree,
}

impl Json {
    /// Keeps up with an answer.
    ///
    /// `after_grammar_mask` says that the server takes its probabilities after the grammar.
    pub(super) fn settle(own: &mut Option<Self>, run: &Run, after_grammar_mask: bool) {
        let is_ended = run.status.is_ended();
        let is_current = own.as_ref().is_some_and(|own| {
            let is_waiting = !is_ended && run.text.len() > SHORT;
            own.run == run.id && ((own.bytes == run.text.len() && own.is_ended == is_ended) || is_waiting)
        });
        if is_current {
            return;
        }
        let schema = match &run.request.sampling.response_format {
            Some(ResponseFormat::JsonSchema { schema, .. }) => Schema::from_text(&schema.to_string()).ok(),
            Some(ResponseFormat::JsonObject | ResponseFormat::Text) | None => None,
        };
        let tree = Tree::new(&run.text, &run.tokens, schema.as_ref(), after_grammar_mask);
        *own = Some(Self { run: run.id, bytes: run.text.len(), is_ended, tree });
    }

    /// Returns the row whose value holds a token, or the last one before it.
    #[must_use]
    pub fn row_of(&self, token: usize) -> usize {
        let starts = self
            .tree
            .rows
            .iter()
            .enumerate()
            .filter_map(|(row, value)| Some((row, value.confidence.as_ref()?.tokens.start)));
        starts.take_while(|(_, start)| *start <= token).last().map_or(0, |(row, _)| row)
    }

    /// Returns the first token of the value `by` values away from the one that holds a token.
    pub(super) fn step(&self, token: usize, by: isize) -> Option<usize> {
        let leaves: Vec<usize> =
            self.tree.rows.iter().filter_map(|row| Some(row.confidence.as_ref()?.tokens.start)).collect();
        // One more than the value's place, so that before the first value there is one, too.
        let at = leaves.partition_point(|start| *start <= token);
        leaves.get(at.saturating_add_signed(by).clamp(1, leaves.len().max(1)) - 1).copied()
    }
}

/// Whether an answer reads like JSON, so that there is something to show.
#[must_use]
pub fn reads_like_json(run: &Run) -> bool {
    let begins = run.text.trim_start().trim_start_matches("```json").trim_start();
    begins.starts_with(['{', '['])
        || matches!(
            run.request.sampling.response_format,
            Some(ResponseFormat::JsonObject | ResponseFormat::JsonSchema { .. })
        )
}
