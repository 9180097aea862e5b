//! What an answer used, where the provider does not say.

use super::table;
use crate::core::context::framing_tokens;
use crate::core::model::Encoding;
use crate::core::run::Run;
use crate::core::stream::Usage;

/// Returns the tokens billed for a run: as the provider reported them, else by the vocabulary of its model
/// and the documented framing of a chat.
#[must_use]
pub fn usage_of(run: &Run, encoding: Encoding) -> Usage {
    if let Some(usage) = run.usage {
        return usage;
    }
    let table = table(encoding);
    let messages = &run.request.messages;
    let texts: u64 = messages.iter().map(|message| table.count(&message.content)).sum();
    let reasoning_tokens = table.count(&run.reasoning);
    Usage {
        input_tokens: texts + framing_tokens(messages.len()),
        cached_input_tokens: 0,
        output_tokens: table.count(&run.text) + reasoning_tokens,
        reasoning_tokens,
    }
}
