//! JSON schemas as clients send them: which are understood, and what they say as a grammar.
//!
//! Owns the subset: objects, texts, numbers, lists, values from a list, alternatives, and references
//! within the schema. What is not understood is refused by its keyword, never left aside: an answer must
//! satisfy all of the schema. Never follows a reference out of the document.
//!
//! Invariant: a schema's depth, parts, values and names are bounded before anything is generated.

use super::model::{Bounds, Grammar, Member, Node};
use super::tree::Tree;
use std::collections::HashMap;

/// Schemas may stand inside each other so deep.
const MOST_DEPTH: usize = 32;
/// Most parts of a schema.
const MOST_NODES: usize = 1000;
/// Most members of an object.
const MOST_MEMBERS: usize = 100;
/// Most alternatives in one list.
const MOST_PARTS: usize = 64;
/// Most values of all lists of values together, and their bytes.
const MOST_VALUES: usize = 1000;
const MOST_BYTES: usize = 64 << 10;
/// Longest text that is told, in characters, and longest that may be demanded.
const LONGEST_TEXT: usize = 240;
/// Most items of a list that may be demanded, and that are told where no limit is named.
const MOST_ITEMS: usize = 64;
const USUAL_ITEMS: usize = 8;
/// Keywords that say nothing about which values are valid.
const REMARKS: [&str; 12] = [
    "$comment",
    "$id",
    "$schema",
    "$defs",
    "definitions",
    "default",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
    "writeOnly",
];
/// The types there are.
const TYPES: [&str; 7] = ["object", "array", "string", "integer", "number", "boolean", "null"];

/// Why a schema is refused, in a sentence that names the keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsupported(pub(super) String);

/// Returns the grammar of a schema.
pub(super) fn compile(schema: &Tree) -> Result<Grammar, Unsupported> {
    let mut compiler =
        Compiler { document: schema, nodes: Vec::new(), references: HashMap::new(), values: 0, bytes: 0 };
    let root = compiler.schema(schema, 0)?;
    Grammar::new(compiler.nodes, root)
        .ok_or_else(|| Unsupported("No document of this schema ends: it demands itself ('$ref').".to_owned()))
}

/// Returns the grammar of an object without a schema: what one says of a question, in the names given.
pub(super) fn plain_object(names: [&str; 3]) -> Option<Grammar> {
    let [answer, details, confidence] = names.map(|name| Tree::Text(name.to_owned()).json());
    let share = Bounds::new(false, Some((0.0, false)), Some((1.0, false)))?;
    let nodes = vec![
        Node::Text { least: 1, most: LONGEST_TEXT },
        Node::Array { items: 0, least: 1, most: 3 },
        Node::Number(share),
        Node::Object(vec![
            Member { name: answer, node: 0, is_required: true },
            Member { name: details, node: 1, is_required: true },
            Member { name: confidence, node: 2, is_required: true },
        ]),
    ];
    Grammar::new(nodes, 3)
}

struct Compiler<'a> {
    document: &'a Tree,
    nodes: Vec<Node>,
    /// The part each reference leads to.
    references: HashMap<String, usize>,
    values: usize,
    bytes: usize,
}

/// Returns the refusal of a keyword.
fn unsupported<T>(keyword: &str, reason: &str) -> Result<T, Unsupported> {
    Err(Unsupported(format!("'{keyword}' {reason}.")))
}

impl Compiler<'_> {
    fn push(&mut self, node: Node) -> Result<usize, Unsupported> {
        if self.nodes.len() >= MOST_NODES {
            return Err(Unsupported(format!("The schema has more than {MOST_NODES} parts.")));
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    /// Counts the bytes of a name or a value.
    fn weigh(&mut self, text: String) -> Result<String, Unsupported> {
        self.bytes += text.len();
        if self.bytes > MOST_BYTES {
            return Err(Unsupported(format!(
                "The schema's names and values have more than {MOST_BYTES} bytes."
            )));
        }
        Ok(text)
    }

    fn schema(&mut self, schema: &Tree, depth: usize) -> Result<usize, Unsupported> {
        if depth > MOST_DEPTH {
            return Err(Unsupported(format!("The schema is nested deeper than {MOST_DEPTH}.")));
        }
        let Tree::Map(members) = schema else {
            return Err(Unsupported(format!("A schema must be an object, not {}.", schema.json())));
        };
        let keywords = Keywords { members };
        if let Some(target) = keywords.get("$ref") {
            keywords.only(&["$ref"])?;
            return self.reference(target, depth);
        }
        if let Some(list) = keywords.get("anyOf") {
            keywords.only(&["anyOf"])?;
            let Tree::List(list) = list else { return unsupported("anyOf", "must be a list of schemas") };
            if list.is_empty() || list.len() > MOST_PARTS {
                return unsupported("anyOf", &format!("must have 1 to {MOST_PARTS} alternatives"));
            }
            let parts =
                list.iter().map(|part| self.schema(part, depth + 1)).collect::<Result<Vec<_>, _>>()?;
            return self.push(Node::Any(parts));
        }
        if let Some(value) = keywords.get("const") {
            keywords.only(&["const", "type"])?;
            return self.values(std::slice::from_ref(value), &keywords, "const");
        }
        if let Some(list) = keywords.get("enum") {
            keywords.only(&["enum", "type"])?;
            let Tree::List(list) = list else { return unsupported("enum", "must be a list") };
            return self.values(list, &keywords, "enum");
        }
        match keywords.get("type") {
            Some(Tree::Text(kind)) => {
                keywords.only(known(kind))?;
                self.typed(kind, &keywords, depth)
            }
            Some(Tree::List(kinds)) if !kinds.is_empty() => {
                let names: Vec<&str> = kinds.iter().filter_map(Tree::as_str).collect();
                // A keyword of one type says nothing about values of another.
                keywords.only(&names.iter().flat_map(|kind| known(kind)).copied().collect::<Vec<_>>())?;
                let parts: Result<Vec<usize>, Unsupported> =
                    names.iter().map(|kind| self.typed(kind, &keywords, depth)).collect();
                self.push(Node::Any(parts?))
            }
            Some(_) => unsupported("type", "must be a name or a list of names"),
            None => match members.iter().find(|(name, _)| !REMARKS.contains(&name.as_str())) {
                Some((name, _)) if known_anywhere(name) => {
                    Err(Unsupported(format!("'{name}' without 'type' is not supported.")))
                }
                Some((name, _)) => unsupported(name, "is not supported"),
                None => Err(Unsupported("A schema without 'type' is not supported.".to_owned())),
            },
        }
    }

    /// Returns the part a reference leads to, which may be one that is being read.
    fn reference(&mut self, target: &Tree, depth: usize) -> Result<usize, Unsupported> {
        let Some(target) = target.as_str() else { return unsupported("$ref", "must be a text") };
        if let Some(node) = self.references.get(target) {
            return Ok(*node);
        }
        let found = target.strip_prefix('#').filter(|path| path.is_empty() || path.starts_with('/'));
        let found = found.and_then(|path| {
            path.split('/')
                .skip(1)
                .try_fold(self.document, |tree, name| tree.get(&name.replace("~1", "/").replace("~0", "~")))
        });
        let Some(schema) = found else {
            return unsupported("$ref", &format!("leads nowhere within the schema: {target}"));
        };
        // The place is taken before the schema is read, so that it may refer to itself.
        let node = self.push(Node::Any(Vec::new()))?;
        self.references.insert(target.to_owned(), node);
        let part = self.schema(schema, depth + 1)?;
        self.nodes[node] = Node::Any(vec![part]);
        Ok(node)
    }

    fn values(
        &mut self,
        list: &[Tree],
        keywords: &Keywords<'_>,
        keyword: &str,
    ) -> Result<usize, Unsupported> {
        let kinds: Vec<&str> = match keywords.get("type") {
            None => TYPES.to_vec(),
            Some(Tree::List(kinds)) => kinds.iter().filter_map(Tree::as_str).collect(),
            Some(kind) => kind.as_str().into_iter().collect(),
        };
        self.values += list.len();
        if self.values > MOST_VALUES {
            return Err(Unsupported(format!("The schema has more than {MOST_VALUES} values ('{keyword}').")));
        }
        let mut values = Vec::new();
        for value in list.iter().filter(|value| kinds.iter().any(|kind| is_of(value, kind))) {
            values.push(self.weigh(value.json())?);
        }
        values.sort();
        values.dedup();
        if values.is_empty() {
            return unsupported(keyword, "has no value of the type");
        }
        self.push(Node::Literals(values))
    }

    fn typed(&mut self, kind: &str, keywords: &Keywords<'_>, depth: usize) -> Result<usize, Unsupported> {
        if !TYPES.contains(&kind) {
            return unsupported("type", &format!("knows no {kind}"));
        }
        let node = match kind {
            "object" => return self.object(keywords, depth),
            "array" => {
                let (least, most) = keywords.counts("minItems", "maxItems", MOST_ITEMS, USUAL_ITEMS)?;
                let Some(items) = keywords.get("items") else {
                    return unsupported("array", "without 'items' is not supported");
                };
                let items = self.schema(items, depth + 1)?;
                Node::Array { items, least, most }
            }
            "string" => {
                let (least, most) = keywords.counts("minLength", "maxLength", LONGEST_TEXT, LONGEST_TEXT)?;
                Node::Text { least, most }
            }
            "integer" | "number" => Node::Number(keywords.bounds(kind == "integer")?),
            "boolean" => Node::Literals(vec!["false".to_owned(), "true".to_owned()]),
            _ => Node::Literals(vec!["null".to_owned()]),
        };
        self.push(node)
    }

    fn object(&mut self, keywords: &Keywords<'_>, depth: usize) -> Result<usize, Unsupported> {
        if !matches!(keywords.get("additionalProperties"), None | Some(Tree::Bool(_))) {
            return unsupported("additionalProperties", "is supported only as true or false");
        }
        let properties = match keywords.get("properties") {
            None => &[],
            Some(Tree::Map(properties)) => properties.as_slice(),
            Some(_) => return unsupported("properties", "must be an object"),
        };
        if properties.len() > MOST_MEMBERS {
            return unsupported("properties", &format!("has more than {MOST_MEMBERS} members"));
        }
        let required: Vec<&str> = match keywords.get("required") {
            None => Vec::new(),
            Some(Tree::List(names)) if names.len() <= MOST_MEMBERS => {
                names.iter().filter_map(Tree::as_str).collect()
            }
            Some(Tree::List(_)) => {
                return unsupported("required", &format!("has more than {MOST_MEMBERS} names"));
            }
            Some(_) => return unsupported("required", "must be a list of names"),
        };
        if let Some(name) = required.iter().find(|name| !properties.iter().any(|(known, _)| known == *name)) {
            return unsupported("required", &format!("names '{name}', which 'properties' does not have"));
        }
        let mut members = Vec::new();
        for (name, schema) in properties {
            let node = self.schema(schema, depth + 1)?;
            let is_required = required.contains(&name.as_str());
            let name = self.weigh(Tree::Text(name.clone()).json())?;
            members.push(Member { name, node, is_required });
        }
        self.push(Node::Object(members))
    }
}

/// Returns the keywords of a type.
fn known(kind: &str) -> &'static [&'static str] {
    match kind {
        "object" => &["type", "properties", "required", "additionalProperties"],
        "array" => &["type", "items", "minItems", "maxItems"],
        "string" => &["type", "minLength", "maxLength"],
        "integer" | "number" => &["type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
        _ => &["type"],
    }
}

fn known_anywhere(name: &str) -> bool {
    TYPES.iter().any(|kind| known(kind).contains(&name))
}

fn is_of(value: &Tree, kind: &str) -> bool {
    match value {
        Tree::Null => kind == "null",
        Tree::Bool(_) => kind == "boolean",
        Tree::Number(number) => kind == "number" || (kind == "integer" && !number.is_f64()),
        Tree::Text(_) => kind == "string",
        Tree::List(_) => kind == "array",
        Tree::Map(_) => kind == "object",
    }
}

/// The members of one schema.
struct Keywords<'a> {
    members: &'a [(String, Tree)],
}

impl<'a> Keywords<'a> {
    fn get(&self, name: &str) -> Option<&'a Tree> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Refuses all other keywords.
    fn only(&self, known: &[&str]) -> Result<(), Unsupported> {
        let other = self.members.iter().map(|(name, _)| name.as_str());
        match other.into_iter().find(|name| !known.contains(name) && !REMARKS.contains(name)) {
            Some(name) => unsupported(name, "is not supported here"),
            None => Ok(()),
        }
    }

    /// Returns a length or a number of items, between its ends.
    fn counts(
        &self,
        least: &str,
        most: &str,
        limit: usize,
        usual: usize,
    ) -> Result<(usize, usize), Unsupported> {
        let count = |name: &str| match self.get(name) {
            None => Ok(None),
            Some(Tree::Number(number)) => match number.as_u64() {
                Some(count) => Ok(Some(usize::try_from(count).unwrap_or(usize::MAX))),
                None => unsupported(name, "must be a whole number"),
            },
            Some(_) => unsupported(name, "must be a whole number"),
        };
        let (low, high) = (count(least)?.unwrap_or(0), count(most)?);
        if low > limit {
            return unsupported(least, &format!("is supported up to {limit}"));
        }
        if high.is_some_and(|high| high < low) {
            return unsupported(most, &format!("is less than '{least}'"));
        }
        Ok((low, high.unwrap_or(usual.max(low)).min(limit)))
    }

    fn bounds(&self, is_integer: bool) -> Result<Bounds, Unsupported> {
        let end = |name: &str| match self.get(name) {
            None => Ok(None),
            Some(Tree::Number(number)) => Ok(number.as_f64()),
            Some(_) => unsupported(name, "must be a number"),
        };
        let tighter = |a: Option<f64>, b: Option<f64>, beats: fn(f64, f64) -> bool| match (a, b) {
            (Some(a), Some(b)) if beats(a, b) => Some((a, false)),
            (_, Some(b)) => Some((b, true)),
            (a, None) => a.map(|a| (a, false)),
        };
        let least = tighter(end("minimum")?, end("exclusiveMinimum")?, |a, b| a > b);
        let most = tighter(end("maximum")?, end("exclusiveMaximum")?, |a, b| a < b);
        Bounds::new(is_integer, least, most)
            .ok_or_else(|| Unsupported("'minimum' and 'maximum' leave no value between them.".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(schema: &str) -> Result<Grammar, Unsupported> {
        compile(&serde_json::from_str(schema).unwrap())
    }

    #[track_caller]
    fn refused(schema: &str, word: &str) {
        let Unsupported(reason) = compiled(schema).unwrap_err();
        assert!(reason.contains(word), "{reason}");
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (schema, word) in [
            (r#"{"type": "string", "pattern": "a+"}"#, "'pattern'"),
            (r#"{"type": "string", "format": "date"}"#, "'format'"),
            (r#"{"oneOf": [{"type": "null"}]}"#, "'oneOf'"),
            (r#"{"allOf": [{"type": "null"}]}"#, "'allOf'"),
            (r#"{"type": "integer", "multipleOf": 2}"#, "'multipleOf'"),
            (r#"{"type": "array"}"#, "'items'"),
            (r#"{"type": "array", "items": {"type": "null"}, "uniqueItems": true}"#, "'uniqueItems'"),
            (r#"{"type": "object", "patternProperties": {}}"#, "'patternProperties'"),
            (r#"{"type": "object", "additionalProperties": {"type": "null"}}"#, "'additionalProperties'"),
            (r#"{"type": "object", "required": ["x"]}"#, "'required'"),
            (r#"{"type": "string", "minLength": 5000}"#, "'minLength'"),
            (r#"{"type": "string", "minLength": 5, "maxLength": 4}"#, "'maxLength'"),
            (r#"{"type": "integer", "minimum": 2, "maximum": 1}"#, "'minimum'"),
            (r#"{"type": "text"}"#, "'type'"),
            (r#"{"minLength": 1}"#, "'minLength'"),
            (r#"{"enum": []}"#, "'enum'"),
            (r#"{"type": "string", "enum": [1]}"#, "'enum'"),
            (r#"{"enum": ["a"], "maxLength": 3}"#, "'maxLength'"),
            (r##"{"$ref": "#/$defs/none"}"##, "'$ref'"),
            (r#"{"$ref": "https://example.com/schema"}"#, "'$ref'"),
            (r##"{"$ref": "#"}"##, "'$ref'"),
            (r##"{"type": "object", "properties": {"x": {"$ref": "#"}}, "required": ["x"]}"##, "'$ref'"),
            ("true", "true"),
            ("{}", "'type'"),
        ] {
            refused(schema, word);
        }
    }

    #[test]
    fn remarks_are_read_over_and_several_types_are_alternatives() {
        let schema =
            r#"{"$schema": "x", "title": "t", "type": ["string", "null"], "maxLength": 5, "default": null}"#;
        assert!(compiled(schema).is_ok());
        refused(r#"{"type": ["string", "null"], "maximum": 5}"#, "'maximum'");
        assert!(compiled(r#"{"type": "object", "properties": {}, "additionalProperties": false}"#).is_ok());
    }

    #[test]
    fn a_hostile_schema_is_bounded() {
        let deep = |depth: usize| {
            let open = r#"{"type": "array", "items": "#.repeat(depth);
            format!("{open}{{\"type\": \"null\"}}{}", "}".repeat(depth))
        };
        assert!(compiled(&deep(10)).is_ok());
        refused(&deep(40), "deeper");
        let many =
            (0..200).map(|i| format!("\"p{i}\": {{\"type\": \"null\"}}")).collect::<Vec<_>>().join(",");
        refused(&format!("{{\"type\": \"object\", \"properties\": {{{many}}}}}"), "'properties'");
        let values = (0..2000).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
        refused(&format!("{{\"enum\": [{values}]}}"), "'enum'");
        let parts = vec![r#"{"type": "null"}"#; 2000].join(",");
        refused(&format!("{{\"anyOf\": [{parts}]}}"), "'anyOf'");
        let some = format!("{{\"anyOf\": [{}]}}", vec![r#"{"type": "null"}"#; 60].join(","));
        let many = format!("{{\"anyOf\": [{}]}}", vec![some.as_str(); 20].join(","));
        refused(&many, "parts");
        refused(&format!("{{\"const\": \"{}\"}}", "x".repeat(100_000)), "bytes");
    }
}
