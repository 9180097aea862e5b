//! The form in which a conversation becomes one sequence of tokens, and back.
//!
//! Owns the four special tokens, the template and its reading. A message is `<|start|>role<|message|>text`
//! and ends with `<|end|>`; the sequence ends with an open message of the assistant, whose text is the
//! beginning of the answer. The model itself knows no special tokens: what it gets is what
//! [`Prompt::read`] finds.
//!
//! Invariant: the tokens of a written conversation read as that conversation, whatever its texts say.

use super::model::{END_OF_TEXT, END_TEXT, Speaker, Turn};
use crate::tokenizer::Table;

/// Opens a message; its role follows.
const START: (u32, &str) = (200_006, "<|start|>");
/// Ends a message.
const END: (u32, &str) = (200_007, "<|end|>");
/// Stands between a role and the text.
const MESSAGE: (u32, &str) = (200_008, "<|message|>");
/// The tokens that are no text, by identifier and by the name they are written with.
const SPECIAL: [(u32, &str); 4] = [START, END, MESSAGE, (END_OF_TEXT, END_TEXT)];

/// How the names of special tokens begin.
const OPENING: &str = "<|";

/// The template as servers publish it, for people and for programs that render it themselves.
pub(super) const JINJA: &str = "{%- for message in messages -%}<|start|>{{ message.role }}<|message|>\
                                {{ message.content }}<|end|>{%- endfor -%}\
                                {%- if add_generation_prompt -%}<|start|>assistant<|message|>{%- endif -%}";

/// Returns a conversation as one text that ends where the answer goes on.
pub(super) fn write(turns: &[Turn], beginning: &str) -> String {
    let mut text = String::new();
    for turn in turns {
        let role = role(turn.speaker);
        text.push_str(&format!("{}{role}{}{}{}", START.1, MESSAGE.1, turn.text, END.1));
    }
    text + &format!("{}{}{}{beginning}", START.1, role(Speaker::Assistant), MESSAGE.1)
}

fn role(speaker: Speaker) -> &'static str {
    match speaker {
        Speaker::System => "system",
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    }
}

/// Returns the tokens of a text; the names of special tokens are those tokens, unless it is all plain.
pub(super) fn encode(table: &Table, text: &str, parse_special: bool) -> Vec<u32> {
    let mut tokens = Vec::new();
    // From where on no token was made, and from where on no name was looked for.
    let (mut start, mut from) = (0, if parse_special { 0 } else { text.len() });
    while let Some(found) = text[from..].find(OPENING) {
        let at = from + found;
        match SPECIAL.iter().find(|(_, name)| text[at..].starts_with(name)) {
            Some((id, name)) => {
                tokens.extend(table.encode(&text[start..at]));
                tokens.push(*id);
                start = at + name.len();
                from = start;
            }
            None => from = at + OPENING.len(),
        }
    }
    tokens.extend(table.encode(&text[start..]));
    tokens
}

/// Returns the bytes of a token as they are written, special ones included; `None` for no token.
pub(super) fn bytes(table: &Table, token: u32) -> Option<&[u8]> {
    let special = SPECIAL.iter().find(|(id, _)| *id == token).map(|(_, name)| name.as_bytes());
    special.or_else(|| table.bytes(token))
}

/// Returns the text of tokens; bytes that are no text become replacement characters.
pub(super) fn decode(table: &Table, tokens: &[u32]) -> String {
    let bytes: Vec<u8> = tokens.iter().filter_map(|token| bytes(table, *token)).flatten().copied().collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a sequence of tokens asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) turns: Vec<Turn>,
    /// The tokens the answer begins with.
    pub(super) beginning: Vec<u32>,
}

impl Prompt {
    /// Reads a sequence.
    ///
    /// A text outside of messages, and an open message that is not the assistant's, are gone on with as
    /// they stand; they count as said by the person, so that what follows is on their topic.
    pub(super) fn read(table: &Table, tokens: &[u32]) -> Self {
        let mut turns = Vec::new();
        let mut open: Option<(Speaker, &[u32])> = None;
        let mut rest = tokens;
        while let Some(first) = rest.first() {
            let (message, after) = if *first == START.0 { message(table, &rest[1..]) } else { plain(rest) };
            if let Some((speaker, text)) = open.replace(message) {
                turns.push(Turn::new(speaker, decode(table, text)));
            }
            rest = after;
            if let [end, after @ ..] = rest
                && (*end == END.0 || *end == END_OF_TEXT)
            {
                turns.extend(open.take().map(|(speaker, text)| Turn::new(speaker, decode(table, text))));
                rest = after;
            }
        }
        let beginning = match open {
            None => Vec::new(),
            Some((Speaker::Assistant, text)) => text.to_vec(),
            Some((speaker, text)) => {
                turns.push(Turn::new(speaker, decode(table, text)));
                text.to_vec()
            }
        };
        Self { turns, beginning }
    }
}

/// A message and what follows it.
type Read<'a> = ((Speaker, &'a [u32]), &'a [u32]);

/// Returns the message whose opening was just read.
fn message<'a>(table: &Table, rest: &'a [u32]) -> Read<'a> {
    let (name, after) = rest.split_at(text_length(rest));
    let speaker = match decode(table, name).trim() {
        "assistant" => Speaker::Assistant,
        "system" | "developer" => Speaker::System,
        _ => Speaker::User,
    };
    let text = match after {
        [first, text @ ..] if *first == MESSAGE.0 => text,
        other => other,
    };
    let (text, after) = text.split_at(text_length(text));
    ((speaker, text), after)
}

/// Returns the text that stands outside of messages.
fn plain(rest: &[u32]) -> Read<'_> {
    // A special token in a place where it means nothing is passed over.
    let text = if is_special(rest[0]) { &rest[1..] } else { rest };
    let (text, after) = text.split_at(text_length(text));
    ((Speaker::User, text), after)
}

fn text_length(tokens: &[u32]) -> usize {
    tokens.iter().position(|token| is_special(*token)).unwrap_or(tokens.len())
}

fn is_special(token: u32) -> bool {
    SPECIAL.iter().any(|(id, _)| *id == token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Encoding;
    use crate::tokenizer::table;
    use proptest::prelude::*;

    fn o200k() -> &'static Table {
        table(Encoding::O200kBase)
    }

    fn read(text: &str) -> Prompt {
        Prompt::read(o200k(), &encode(o200k(), text, true))
    }

    #[test]
    fn the_template_is_what_is_written() {
        let turns = [Turn::new(Speaker::System, "Be kind."), Turn::new(Speaker::User, "비는 왜 와요?")];
        let text = write(&turns, "구름이");
        assert_eq!(
            text,
            "<|start|>system<|message|>Be kind.<|end|><|start|>user<|message|>비는 왜 와요?<|end|>\
             <|start|>assistant<|message|>구름이"
        );
        let prompt = read(&text);
        assert_eq!(prompt.turns, turns);
        assert_eq!(prompt.beginning, o200k().encode("구름이"));
        assert!(JINJA.contains("<|start|>assistant<|message|>") && !JINJA.contains('\n'));
    }

    #[test]
    fn names_in_a_text_are_special_only_where_that_is_asked_for() {
        let tokens = encode(o200k(), "a<|end|>b", true);
        assert_eq!(tokens.iter().filter(|token| is_special(**token)).count(), 1);
        assert_eq!(decode(o200k(), &tokens), "a<|end|>b");
        let torn = encode(o200k(), "<|<|end|><|en", true);
        assert_eq!((torn.contains(&END.0), decode(o200k(), &torn)), (true, "<|<|end|><|en".to_owned()));
        let plain = encode(o200k(), "a<|end|>b", false);
        assert!(!plain.iter().any(|token| is_special(*token)));
        assert_eq!(decode(o200k(), &plain), "a<|end|>b");
    }

    #[test]
    fn a_prompt_without_a_template_is_gone_on_with() {
        let prompt = read("Bees make");
        assert_eq!(prompt.turns, [Turn::new(Speaker::User, "Bees make")]);
        assert_eq!(prompt.beginning, o200k().encode("Bees make"));
        assert_eq!(read(""), Prompt { turns: vec![], beginning: vec![] });
        let answered = read("<|start|>user<|message|>Hi<|end|>");
        assert_eq!(answered, Prompt { turns: vec![Turn::new(Speaker::User, "Hi")], beginning: vec![] });
        assert_eq!(read("<|message|><|end|><|end|>").beginning, [] as [u32; 0]);
        assert_eq!(read("<|start|>assistant").beginning, [] as [u32; 0]);
    }

    proptest! {
        /// Texts that name special tokens are no danger while they are encoded as the plain texts they are.
        #[test]
        fn a_conversation_is_read_as_it_was_written(
            texts in prop::collection::vec("[a-z가-힣 <|>end\\n]{0,20}", 1..4),
            beginning in "\\PC{0,20}",
        ) {
            let speakers = [Speaker::User, Speaker::Assistant, Speaker::System];
            let turns: Vec<Turn> =
                texts.iter().enumerate().map(|(i, text)| Turn::new(speakers[i % 3], text)).collect();
            let plain = |text: &str| encode(o200k(), text, false);
            let mut tokens = Vec::new();
            for turn in &turns {
                tokens.push(START.0);
                tokens.extend(plain(role(turn.speaker)));
                tokens.push(MESSAGE.0);
                tokens.extend(plain(&turn.text));
                tokens.push(END.0);
            }
            tokens.extend([START.0]);
            tokens.extend(plain("assistant"));
            tokens.push(MESSAGE.0);
            tokens.extend(plain(&beginning));
            let prompt = Prompt::read(o200k(), &tokens);
            prop_assert_eq!(&prompt.turns, &turns);
            prop_assert_eq!(prompt.beginning, plain(&beginning));
        }

        /// No sequence of tokens is too odd to be read.
        #[test]
        fn any_sequence_is_read(tokens in prop::collection::vec(prop_oneof![0u32..300, 199_990u32..200_020], 0..30)) {
            let prompt = Prompt::read(o200k(), &tokens);
            prop_assert!(prompt.beginning.len() <= tokens.len());
        }
    }
}
