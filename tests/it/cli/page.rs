//! The page for a browser: well formed whatever the model said, and nothing in it but a style.

use super::{Home, json_of};
use serde_json::{Value, json};

/// Elements that have no end tag.
const VOID: [&str; 2] = ["meta", "!doctype"];

/// One tag of a page.
struct Tag<'a> {
    name: &'a str,
    is_end: bool,
    attributes: Vec<(&'a str, &'a str)>,
}

/// Returns the tags and the texts of a page; fails where it is not well formed.
fn parsed(page: &str) -> (Vec<Tag<'_>>, String) {
    let (mut rest, mut tags, mut text, mut open) = (page, Vec::new(), String::new(), Vec::new());
    while let Some((before, after)) = rest.split_once('<') {
        assert!(open.last() == Some(&"style") || !before.contains('>'), "a stray > in {before:?}");
        if open.last() != Some(&"style") {
            text.push_str(before);
        }
        let (tag, after) = tag(after);
        if tag.is_end {
            assert_eq!(open.pop(), Some(tag.name), "near {:?}", &after.chars().take(60).collect::<String>());
        } else if !VOID.contains(&tag.name) {
            open.push(tag.name);
        }
        tags.push(tag);
        rest = after;
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} is open, {rest:?} is left");
    (tags, text)
}

/// Returns the tag a text begins with, after its `<`, and what follows it.
fn tag(text: &str) -> (Tag<'_>, &str) {
    let (is_end, text) = text.strip_prefix('/').map_or((false, text), |text| (true, text));
    let end = text.find([' ', '>']).unwrap();
    let (name, mut rest) = text.split_at(end);
    assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '!'), "{name:?}");
    let mut attributes = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix('>') {
            return (Tag { name, is_end, attributes }, after);
        }
        rest = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no attribute: {rest:.40}"));
        let Some(quote) = rest.find(['"', '>', '<']).filter(|at| rest[*at..].starts_with('"')) else {
            // `html` of the document type.
            rest = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            continue;
        };
        let (attribute, after) = rest.split_at(quote + 1);
        let (value, after) = after.split_once('"').unwrap();
        assert!(!value.contains(['<', '>']), "{value:?}");
        attributes.push((attribute.trim_end_matches("=\""), value));
        rest = after;
    }
}

/// Returns a saved answer of tokens, each with the same candidates.
fn saved(tokens: &[&str], candidates: &[&str]) -> Value {
    let listed: Vec<Value> = candidates
        .iter()
        .map(|text| json!({"token": text, "bytes": text.as_bytes(), "logprob": -1.5}))
        .collect();
    let entries: Vec<Value> = tokens
        .iter()
        .map(|text| json!({"token": text, "bytes": text.as_bytes(), "logprob": -0.9, "top_logprobs": listed}))
        .collect();
    json!({"model": "<b>m</b>", "choices": [{"message": {"content": tokens.concat()},
        "finish_reason": "stop", "logprobs": {"content": entries}}]})
}

fn page(home: &Home, saved: &Value, more: &[&str]) -> String {
    let arguments = [&["inspect", "--from", "-", "--html"], more].concat();
    home.pipe(&arguments, saved.to_string().as_bytes()).fine()
}

/// Returns a text of a page as it is read.
fn unescaped(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, c)| text.replace(entity, c))
}

#[test]
fn a_hostile_answer_stays_a_text() {
    let hostile = [
        "<script>alert(1)</script>",
        "</style></div><img src=x onerror=alert(1)>",
        "\" onmouseover=\"alert(1)",
        "'&quot;",
        "--><!--",
        "]]>",
        "\u{202e}evil\u{1b}[31m\0",
    ];
    let home = Home::new();
    for what_if in [&[][..], &["--what-if", "T=1.5,top_k=1"]] {
        let written = page(&home, &saved(&hostile, &hostile), what_if);
        let (tags, text) = parsed(&written);
        for tag in &tags {
            assert!(
                !matches!(tag.name, "script" | "img" | "iframe" | "object" | "link" | "base"),
                "{}",
                tag.name
            );
            for (attribute, value) in &tag.attributes {
                assert!(!attribute.starts_with("on"), "{attribute}={value}");
                assert!(*attribute != "href" || value.starts_with("#t"), "{value}");
            }
        }
        assert!(unescaped(&text).contains("<script>alert(1)</script>"), "{text}");
        assert!(!written.contains(['\u{202e}', '\u{1b}', '\0']));
    }
}

#[test]
fn any_script_is_read_and_every_link_leads_to_a_row() {
    let tokens = ["판다", "는", " 대나무", "🐼", "👩‍👩‍👧‍👦", "\n\n", "שלום", " end"];
    let (home, other) = (Home::new(), ["곰"]);
    let written = page(&home, &saved(&tokens, &other), &["--what-if", "T=0.7"]);
    let (tags, text) = parsed(&written);
    let plain: String = unescaped(&text).chars().filter(|c| !c.is_ascii_digit()).collect();
    for token in ["판다", "대나무", "🐼", "👩‍👩‍👧‍👦", "שלום", "곰"] {
        assert!(plain.contains(token), "{token}");
    }
    let values = |wanted: &str| -> Vec<&str> {
        let all = tags.iter().flat_map(|tag| &tag.attributes);
        all.filter(|(attribute, _)| *attribute == wanted).map(|(_, value)| *value).collect()
    };
    let ids = values("id");
    let targets = values("href");
    assert!(targets.len() >= tokens.len());
    assert!(
        targets.iter().all(|target| ids.contains(&target.trim_start_matches('#'))),
        "{targets:?} {ids:?}"
    );
}

#[test]
fn without_colour_the_answer_has_digits_and_the_table_has_words() {
    let ln = f64::ln;
    let entry = |text: &str, p: f64, other: f64| {
        json!({"token": text, "logprob": ln(p), "top_logprobs": [
            {"token": text, "logprob": ln(p)}, {"token": "other", "logprob": ln(other)}]})
    };
    let saved = json!({"choices": [{"message": {"content": "sure odd"}, "finish_reason": "stop",
        "logprobs": {"content": [entry("sure", 0.95, 0.05), entry(" odd", 0.02, 0.98)]}}]});
    let written = page(&Home::new(), &saved, &["--what-if", "T=1,top_k=1"]);
    let (_, text) = parsed(&written);
    // Without any style the text is the answer with digits, and what is cut is said.
    assert!(text.contains("sure odd5cut"), "{text}");
    for words in ["▸ sure 95.0 %", "other 98.0 %", "→ cut", "→ 100.0 %", "Close calls", "5.64 bits", "unseen"]
    {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    assert!(written.contains("prefers-color-scheme: dark") && written.contains("default-src &#39;none&#39;"));
}

#[test]
fn json_answers_have_their_values() {
    let home = Home::new();
    let answer = saved(&["{\"", "ok", "\":", " true", "}"], &[" true", " false"]);
    let written = page(&home, &answer, &[]);
    let (_, text) = parsed(&written);
    assert!(text.contains("JSON values") && text.contains("$.ok"), "{text}");
    let arguments = ["inspect", "--from", "-", "--json"];
    let record = json_of(&home.pipe(&arguments, answer.to_string().as_bytes()).fine());
    assert_eq!(record["structured"]["is_valid"], true);
    assert_eq!(record["structured"]["rows"][1]["path"], "$.ok");
    let prose = saved(&["[1]", " says"], &[]);
    let record = json_of(&home.pipe(&arguments, prose.to_string().as_bytes()).fine());
    assert!(record.get("structured").is_none());
}
