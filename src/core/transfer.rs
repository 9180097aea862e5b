//! Conversations as files: the messages form that OpenAI's API and its tools use.

use crate::core::conversation::{Body, Conversation, Message};
use crate::core::id::Ids;
use crate::core::request::{Prompt, Role};
use serde::Deserialize;
use serde_json::Value;

/// A file of messages: the bare list, or an object that holds it.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    List(Vec<Entry>),
    Object { messages: Vec<Entry> },
}

#[derive(Deserialize)]
struct Entry {
    role: String,
    #[serde(default)]
    content: Value,
}

/// Returns the conversation in a JSON text: `[{"role": …, "content": …}, …]`, or an object with such
/// a list under `messages`.
///
/// Content may be a text or a list of parts; a part that is no text is named in brackets. Messages
/// of tools become assistant messages that say so.
///
/// # Errors
/// Says what is wrong and where.
pub fn from_json(text: &str, ids: &mut Ids) -> Result<Conversation, String> {
    let is_list_or_object = text.trim_start().starts_with(['[', '{']);
    let file: File =
        serde_json::from_str(text).map_err(|error| match serde_json::from_str::<Value>(text) {
            Err(error) => format!("no JSON: {error}"),
            Ok(_) if is_list_or_object => {
                "JSON, but no list of messages with a role and a content".to_owned()
            }
            Ok(_) => format!("no list of messages: {error}"),
        })?;
    let (File::List(entries) | File::Object { messages: entries }) = file;
    let mut messages = Vec::with_capacity(entries.len());
    for (number, entry) in entries.into_iter().enumerate() {
        let role = match entry.role.as_str() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" | "model" | "tool" | "function" => Role::Assistant,
            other => return Err(format!("message {} has the unknown role '{other}'", number + 1)),
        };
        let mut content = flat(&entry.content);
        if matches!(entry.role.as_str(), "tool" | "function") {
            content = format!("[tool result]\n{content}");
        }
        messages.push(Message { id: ids.message(), role, body: Body::Text(content.into()) });
    }
    Ok(Conversation { messages, memory: true })
}

fn flat(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(flat).collect::<Vec<_>>().join("\n"),
        Value::Object(part) => match (part.get("text"), part.get("type")) {
            (Some(Value::String(text)), _) => text.clone(),
            (_, Some(Value::String(kind))) => format!("[{kind}]"),
            _ => String::new(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

/// Returns messages as JSON that [`from_json`] reads, one message a line.
#[must_use]
pub fn to_json(prompts: &[Prompt]) -> String {
    let mut out = String::from("{\"messages\": [\n");
    for (index, prompt) in prompts.iter().enumerate() {
        let line = serde_json::json!({"role": prompt.role.name(), "content": &*prompt.content});
        out.push_str(&line.to_string());
        out.push_str(if index + 1 < prompts.len() { ",\n" } else { "\n" });
    }
    out.push_str("]}\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(json: &str) -> Vec<(Role, String)> {
        let conversation = from_json(json, &mut Ids::default()).unwrap();
        conversation.messages.iter().map(|m| (m.role, m.text().to_owned())).collect()
    }

    #[test]
    fn lists_objects_and_parts_are_read() {
        let list = r#"[{"role":"developer","content":"be kind"},{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url"}]}]"#;
        let expected = vec![(Role::System, "be kind".to_owned()), (Role::User, "hi\n[image_url]".to_owned())];
        assert_eq!(texts(list), expected);
        assert_eq!(texts(&format!("{{\"model\":\"m\",\"messages\":{list}}}")), expected);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let error = |json: &str| from_json(json, &mut Ids::default()).unwrap_err();
        assert!(error("{\"messages\": [").contains("line 1"));
        assert!(error("{\"a\": 1}").contains("no list of messages"));
        assert!(
            error(r#"[{"role":"user","content":"a"},{"role":"judge","content":"b"}]"#).contains("message 2")
        );
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(contents in prop::collection::vec("\\PC{0,20}", 0..6)) {
            let prompts: Vec<Prompt> = contents.iter().map(|c| Prompt::new(Role::User, c.as_str())).collect();
            let back = texts(&to_json(&prompts));
            let expected: Vec<_> = contents.into_iter().map(|c| (Role::User, c)).collect();
            prop_assert_eq!(back, expected);
        }
    }
}
