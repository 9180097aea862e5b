//! Which values a schema allows at each place of a document, as far as they can be listed.
//!
//! Owns following a document down a schema: `properties`, `additionalProperties`, `items`, `prefixItems`,
//! local `$ref`, `allOf`, `anyOf`, `oneOf`, and at the end `enum`, `const` and `type`. Of several forms
//! the values of all that can hold the document's shape are taken together, so a value may be listed
//! that another member of the same answer rules out. Keywords that only narrow a kind (`pattern`,
//! `minimum`, `if`, `not`) leave it open.
//!
//! Invariant: a value that the schema allows at a place is listed there, or its kind is open.

use crate::structured::document::{Document, Kind, Step};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Most subschemas looked at for one place; a place that needs more is taken as open.
const FUEL: usize = 512;

/// Most values that are listed for one place; with more of them the place is taken as open.
const MAX_VALUES: usize = 512;

/// A set of kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds(u8);

impl Kinds {
    const NONE: Self = Self(0);
    const ALL: Self = Self(0b11_1111);

    fn of(kind: Kind) -> Self {
        Self(1 << kind as u8)
    }

    /// Whether the kind is in the set.
    #[must_use]
    pub fn has(self, kind: Kind) -> bool {
        self.0 & Self::of(kind).0 != 0
    }

    /// Whether no kind is in the set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn named(name: &str) -> Self {
        match name {
            "object" => Self::of(Kind::Object),
            "array" => Self::of(Kind::Array),
            "string" => Self::of(Kind::String),
            "number" | "integer" => Self::of(Kind::Number),
            "boolean" => Self::of(Kind::Boolean),
            "null" => Self::of(Kind::Null),
            _ => Self::NONE,
        }
    }
}

/// The values allowed at a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Allowed {
    /// The values that can be listed, in the schema's order, each once.
    pub values: Vec<Value>,
    /// The kinds of which other values may be allowed too.
    pub open: Kinds,
}

impl Allowed {
    fn anything() -> Self {
        Self::kinds(Kinds::ALL)
    }

    fn nothing() -> Self {
        Self { values: Vec::new(), open: Kinds::NONE }
    }

    /// Returns every value of the kinds; those of booleans and null can be listed.
    fn kinds(kinds: Kinds) -> Self {
        let listed = [Value::Bool(true), Value::Bool(false), Value::Null];
        let values = listed.into_iter().filter(|value| kinds.has(kind(value))).collect();
        let closed = Kinds::of(Kind::Boolean).0 | Kinds::of(Kind::Null).0;
        Self { values, open: Kinds(kinds.0 & !closed) }
    }

    fn listed<'v>(values: impl Iterator<Item = &'v Value>) -> Self {
        let mut out = Self::nothing();
        for value in values {
            out.add(value.clone());
        }
        out
    }

    /// Whether nothing is known: every kind is open.
    #[must_use]
    pub fn is_anything(&self) -> bool {
        self.open == Self::anything().open
    }

    fn has(&self, value: &Value) -> bool {
        self.open.has(kind(value)) || self.values.contains(value)
    }

    /// Adds a value that is not there; when there are too many, its kind is open instead.
    fn add(&mut self, value: Value) {
        if self.values.contains(&value) {
            return;
        }
        if self.values.len() < MAX_VALUES {
            self.values.push(value);
        } else {
            self.open.0 |= Kinds::of(kind(&value)).0;
        }
    }

    fn and(self, other: Self) -> Self {
        // What a schema lists keeps its order, and most of what is joined with it allows everything.
        if self == Self::anything() {
            return other;
        }
        let mut out = Self { values: Vec::new(), open: Kinds(self.open.0 & other.open.0) };
        let (mine, theirs) = (self.values.iter(), other.values.iter());
        for value in mine.filter(|value| other.has(value)).chain(theirs.filter(|value| self.has(value))) {
            out.add(value.clone());
        }
        out
    }

    fn or(mut self, other: Self) -> Self {
        self.open.0 |= other.open.0;
        for value in other.values {
            self.add(value);
        }
        self
    }
}

/// Returns what kind of value this is.
fn kind(value: &Value) -> Kind {
    match value {
        Value::Null => Kind::Null,
        Value::Bool(_) => Kind::Boolean,
        Value::Number(_) => Kind::Number,
        Value::String(_) => Kind::String,
        Value::Array(_) => Kind::Array,
        Value::Object(_) => Kind::Object,
    }
}

/// What holds at a place: subschemas, joined as their keywords join them.
#[derive(Debug, Clone)]
enum Rule<'s> {
    Anything,
    Nothing,
    Schema(&'s Value),
    All(Vec<Rule<'s>>),
    Any(Vec<Rule<'s>>),
}

impl Rule<'_> {
    /// Writes what tells this rule from others: the addresses of its subschemas, and how they are joined.
    fn identify(&self, key: &mut Vec<usize>) {
        match self {
            Rule::Anything => key.push(0),
            Rule::Nothing => key.push(1),
            Rule::Schema(schema) => key.extend([2, std::ptr::from_ref(*schema).addr()]),
            Rule::All(rules) | Rule::Any(rules) => {
                key.extend([if matches!(self, Rule::All(_)) { 3 } else { 4 }, rules.len()]);
                for rule in rules {
                    rule.identify(key);
                }
            }
        }
    }
}

/// The allowed values of every place of a document; places under the same rules share one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Places {
    entries: Vec<Allowed>,
    of_node: Vec<usize>,
}

impl Places {
    /// Returns what a schema allows at each node of a document.
    #[must_use]
    pub fn new(schema: &Value, document: &Document) -> Self {
        let mut walk =
            Walk { root: schema, rules: Vec::new(), numbers: HashMap::new(), known: HashMap::new() };
        walk.number(Rule::Schema(schema));
        let mut of_node: Vec<usize> = Vec::with_capacity(document.nodes.len());
        for node in &document.nodes {
            let rule = match (node.parent, &node.step) {
                (Some(parent), Step::Member { name, .. }) => walk.child(of_node[parent], Place::Member(name)),
                (Some(parent), Step::Item(index)) => walk.child(of_node[parent], Place::Item(*index)),
                (Some(_), Step::Root) | (None, _) => 0,
            };
            of_node.push(rule);
        }
        let entries = walk.rules.iter().map(|(rule, _)| walk.allowed(rule, &mut { FUEL })).collect();
        Self { entries, of_node }
    }

    /// Returns what is allowed at a node.
    #[must_use]
    pub fn at(&self, node: usize) -> Option<&Allowed> {
        self.entries.get(*self.of_node.get(node)?)
    }

    /// Returns a number that is the same for nodes under the same rules.
    pub(super) fn entry(&self, node: usize) -> Option<usize> {
        self.of_node.get(node).copied()
    }
}

/// A step down a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place<'d> {
    Member(&'d str),
    Item(usize),
}

struct Walk<'s, 'd> {
    root: &'s Value,
    /// The rules met so far, each once, with how many items they name one by one.
    rules: Vec<(Rule<'s>, usize)>,
    numbers: HashMap<Vec<usize>, usize>,
    known: HashMap<(usize, Place<'d>), usize>,
}

impl<'s, 'd> Walk<'s, 'd> {
    /// Returns the rule for a step from the place under another rule.
    fn child(&mut self, rule: usize, place: Place<'d>) -> usize {
        let (own, named) = &self.rules[rule];
        // The items after those named one by one are all under the same rule.
        let place = match place {
            Place::Item(index) => Place::Item(index.min(*named)),
            Place::Member(_) => place,
        };
        if let Some(known) = self.known.get(&(rule, place)) {
            return *known;
        }
        let below = self.step(own, place, &mut { FUEL });
        let number = self.number(below);
        self.known.insert((rule, place), number);
        number
    }

    /// Returns the number of a rule: the same for every place under the same subschemas, so that their
    /// values are listed once.
    fn number(&mut self, rule: Rule<'s>) -> usize {
        let mut key = Vec::new();
        rule.identify(&mut key);
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let named = self.named_items(&rule, &mut { FUEL });
        self.rules.push((rule, named));
        self.numbers.insert(key, self.rules.len() - 1);
        self.rules.len() - 1
    }

    /// Returns how many items of an array a rule may name one by one.
    fn named_items(&self, rule: &Rule<'s>, fuel: &mut usize) -> usize {
        if *fuel == 0 {
            return 0;
        }
        *fuel -= 1;
        match rule {
            Rule::Anything | Rule::Nothing => 0,
            Rule::All(rules) | Rule::Any(rules) => {
                rules.iter().map(|rule| self.named_items(rule, fuel)).max().unwrap_or(0)
            }
            Rule::Schema(schema) => {
                let lists = ["prefixItems", "items"].iter().filter_map(|key| schema.get(key)?.as_array());
                let own = lists.map(Vec::len).max().unwrap_or(0);
                let parts = self.parts(schema);
                parts.iter().map(|part| self.named_items(part, fuel)).max().unwrap_or(0).max(own)
            }
        }
    }

    /// Returns the rules that a schema refers to or is put together from; all of them hold.
    fn parts(&self, schema: &'s Value) -> Vec<Rule<'s>> {
        let mut parts = Vec::new();
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            parts.push(self.resolve(target).map_or(Rule::Anything, Rule::Schema));
        }
        for (key, is_all) in [("allOf", true), ("anyOf", false), ("oneOf", false)] {
            if let Some(Value::Array(schemas)) = schema.get(key) {
                let rules = schemas.iter().map(Rule::Schema).collect();
                parts.push(if is_all { Rule::All(rules) } else { Rule::Any(rules) });
            }
        }
        parts
    }

    /// Returns the part of the schema that a reference of the form `#/…` leads to.
    fn resolve(&self, target: &str) -> Option<&'s Value> {
        let pointer = target.strip_prefix('#')?;
        // Pointers in references are escaped as in addresses; a name that needs it is rare.
        if pointer.contains('%') { None } else { self.root.pointer(pointer) }
    }

    /// Returns the rule for what stands at a place inside a value under a rule.
    fn step(&self, rule: &Rule<'s>, place: Place<'_>, fuel: &mut usize) -> Rule<'s> {
        if *fuel == 0 {
            return Rule::Anything;
        }
        *fuel -= 1;
        match rule {
            Rule::Anything => Rule::Anything,
            Rule::Nothing => Rule::Nothing,
            Rule::All(rules) => all(rules.iter().map(|rule| self.step(rule, place, fuel)).collect()),
            Rule::Any(rules) => any(rules.iter().map(|rule| self.step(rule, place, fuel)).collect()),
            Rule::Schema(Value::Bool(false)) => Rule::Nothing,
            Rule::Schema(schema) => {
                let Some(own) = schema.as_object() else { return Rule::Anything };
                let (holder, below) = match place {
                    Place::Member(name) => (Kind::Object, member(own, name)),
                    Place::Item(index) => (Kind::Array, item(own, index)),
                };
                if !may_be(own, holder) {
                    return Rule::Nothing;
                }
                let mut rules = vec![below];
                rules.extend(self.parts(schema).iter().map(|part| self.step(part, place, fuel)));
                all(rules)
            }
        }
    }

    /// Returns the values allowed under a rule.
    fn allowed(&self, rule: &Rule<'s>, fuel: &mut usize) -> Allowed {
        if *fuel == 0 {
            return Allowed::anything();
        }
        *fuel -= 1;
        match rule {
            Rule::Anything => Allowed::anything(),
            Rule::Nothing | Rule::Schema(Value::Bool(false)) => Allowed::nothing(),
            Rule::All(rules) => {
                rules.iter().fold(Allowed::anything(), |so_far, rule| so_far.and(self.allowed(rule, fuel)))
            }
            Rule::Any(rules) => {
                rules.iter().fold(Allowed::nothing(), |so_far, rule| so_far.or(self.allowed(rule, fuel)))
            }
            Rule::Schema(schema) => {
                let Some(own) = schema.as_object() else { return Allowed::anything() };
                let mut allowed = Allowed::kinds(types(own));
                if let Some(values) = own.get("enum").and_then(Value::as_array) {
                    allowed = Allowed::listed(values.iter()).and(allowed);
                }
                if let Some(value) = own.get("const") {
                    allowed = Allowed::listed(std::iter::once(value)).and(allowed);
                }
                for part in self.parts(schema) {
                    allowed = allowed.and(self.allowed(&part, fuel));
                }
                allowed
            }
        }
    }
}

/// Returns the kinds that `type` allows.
fn types(schema: &Map<String, Value>) -> Kinds {
    match schema.get("type") {
        Some(Value::String(name)) => Kinds::named(name),
        Some(Value::Array(names)) => {
            Kinds(names.iter().filter_map(Value::as_str).fold(0, |set, name| set | Kinds::named(name).0))
        }
        _ => Kinds::ALL,
    }
}

/// Whether a value of this kind can be under a schema, judged by `type`, `enum` and `const` alone.
fn may_be(schema: &Map<String, Value>, holder: Kind) -> bool {
    let listed = schema.get("enum").and_then(Value::as_array);
    types(schema).has(holder)
        && listed.is_none_or(|values| values.iter().any(|value| kind(value) == holder))
        && schema.get("const").is_none_or(|value| kind(value) == holder)
}

fn member<'s>(schema: &'s Map<String, Value>, name: &str) -> Rule<'s> {
    if let Some(named) = schema.get("properties").and_then(|named| named.get(name)) {
        return Rule::Schema(named);
    }
    // Which pattern a key matches is not looked into.
    if schema.contains_key("patternProperties") {
        return Rule::Anything;
    }
    schema.get("additionalProperties").map_or(Rule::Anything, Rule::Schema)
}

fn item(schema: &Map<String, Value>, index: usize) -> Rule<'_> {
    let list = |key: &str| schema.get(key).and_then(Value::as_array);
    if let Some(named) = list("prefixItems").or(list("items")).and_then(|list| list.get(index)) {
        return Rule::Schema(named);
    }
    let rest = if list("items").is_some() { "additionalItems" } else { "items" };
    schema.get(rest).map_or(Rule::Anything, Rule::Schema)
}

/// Returns the rule under which all of these hold.
fn all<'s>(rules: Vec<Rule<'s>>) -> Rule<'s> {
    let mut kept: Vec<Rule<'s>> = Vec::with_capacity(rules.len());
    for rule in rules {
        match rule {
            Rule::Nothing => return Rule::Nothing,
            Rule::Anything => {}
            Rule::All(inner) => inner.into_iter().for_each(|rule| add(&mut kept, rule)),
            rule @ (Rule::Schema(_) | Rule::Any(_)) => add(&mut kept, rule),
        }
    }
    if kept.len() > 1 { Rule::All(kept) } else { kept.pop().unwrap_or(Rule::Anything) }
}

/// Returns the rule under which any of these holds.
fn any<'s>(rules: Vec<Rule<'s>>) -> Rule<'s> {
    let mut kept: Vec<Rule<'s>> = Vec::with_capacity(rules.len());
    for rule in rules {
        match rule {
            Rule::Nothing => {}
            Rule::Any(inner) => inner.into_iter().for_each(|rule| add(&mut kept, rule)),
            rule @ (Rule::Anything | Rule::Schema(_) | Rule::All(_)) => add(&mut kept, rule),
        }
    }
    if kept.len() > 1 { Rule::Any(kept) } else { kept.pop().unwrap_or(Rule::Nothing) }
}

/// Adds a rule unless the same subschema is there: without this, a schema that refers to itself doubles
/// with every step down.
fn add<'s>(rules: &mut Vec<Rule<'s>>, rule: Rule<'s>) {
    let is_there = rules.iter().any(|known| match (known, &rule) {
        (Rule::Schema(a), Rule::Schema(b)) => std::ptr::eq(*a, *b),
        (Rule::Anything, Rule::Anything) => true,
        _ => false,
    });
    if !is_there {
        rules.push(rule);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Returns the values allowed at the path, and whether others may be.
    fn at(schema: &Value, text: &str, path: &str) -> (Vec<Value>, bool) {
        let document = Document::read(text);
        let node = (0..document.nodes.len()).find(|node| document.path(*node) == path).unwrap();
        let allowed = Places::new(schema, &document).at(node).unwrap().clone();
        (allowed.values, !allowed.open.is_empty())
    }

    #[test]
    fn values_are_found_where_the_schema_puts_them() {
        let schema = json!({
            "properties": {
                "color": {"enum": ["red", "green"]},
                "done": {"type": "boolean"},
                "maybe": {"type": ["boolean", "null"]},
                "version": {"const": 2},
                "text": {"type": "string"},
                "list": {"items": {"$ref": "#/$defs/level"}},
                "pair": {"prefixItems": [{"const": "a"}, {"const": "b"}], "items": {"enum": [1, 2]}},
                "old": {"items": [{"const": "a"}], "additionalItems": {"const": "z"}},
            },
            "additionalProperties": {"enum": ["other", null]},
            "$defs": {"level": {"enum": ["낮음", "높음"]}},
        });
        let text = r#"{"color": "red", "done": true, "maybe": null, "version": 2, "text": "", "list": ["낮음", "x"],
            "pair": ["a", "b", 1, 2], "old": ["a", "z"], "unnamed": "other"}"#;
        for (path, values, is_open) in [
            ("$.color", json!(["red", "green"]), false),
            ("$.done", json!([true, false]), false),
            ("$.maybe", json!([true, false, null]), false),
            ("$.version", json!([2]), false),
            ("$.text", json!([]), true),
            ("$.list[1]", json!(["낮음", "높음"]), false),
            ("$.pair[1]", json!(["b"]), false),
            ("$.pair[3]", json!([1, 2]), false),
            ("$.old[0]", json!(["a"]), false),
            ("$.old[1]", json!(["z"]), false),
            ("$.unnamed", json!(["other", null]), false),
        ] {
            assert_eq!(at(&schema, text, path), (values.as_array().unwrap().clone(), is_open), "{path}");
        }
    }

    #[test]
    fn several_schemas_are_joined_as_their_keywords_say() {
        let level = json!({"enum": ["low", "high", 3]});
        for (schema, values, is_open) in [
            (json!({"allOf": [level, {"type": "string"}]}), json!(["low", "high"]), false),
            (json!({"anyOf": [level, {"type": "null"}]}), json!(["low", "high", 3, null]), false),
            (json!({"anyOf": [level, {"type": "string"}]}), json!(["low", "high", 3]), true),
            (json!({"oneOf": [{"const": "a"}, {"const": "b"}, {"const": "a"}]}), json!(["a", "b"]), false),
            (json!({"enum": ["a", "b"], "const": "b"}), json!(["b"]), false),
            (
                json!({"$ref": "#/$defs/x", "enum": ["a", "b"], "$defs": {"x": {"const": "a"}}}),
                json!(["a"]),
                false,
            ),
            (json!({"enum": [1, "a"], "type": "integer"}), json!([1]), false),
            (json!(true), json!([true, false, null]), true),
            (json!(false), json!([]), false),
        ] {
            assert_eq!(at(&schema, "\"a\"", "$"), (values.as_array().unwrap().clone(), is_open), "{schema}");
        }
    }

    #[test]
    fn forms_that_cannot_hold_the_document_do_not_open_it() {
        let schema = json!({"anyOf": [
            {"type": "null"}, {"type": "array"}, {"const": 1},
            {"type": "object", "properties": {"size": {"enum": ["s", "m"]}}, "additionalProperties": false},
        ]});
        assert_eq!(at(&schema, "{\"size\": \"s\"}", "$.size"), (vec![json!("s"), json!("m")], false));
    }

    #[test]
    fn schemas_that_refer_to_themselves_are_followed_without_growing() {
        let schema = json!({
            "anyOf": [{"$ref": "#"}, {"$ref": "#/$defs/node"}],
            "properties": {"next": {"$ref": "#"}, "leaf": {"enum": ["x", "y"]}},
            "$defs": {"node": {"properties": {"next": {"anyOf": [{"$ref": "#"}, {"$ref": "#/$defs/node"}]}}}},
        });
        let depth = 120;
        let text = format!("{}{{\"leaf\":\"x\"}}{}", "{\"next\":".repeat(depth), "}".repeat(depth));
        let path = format!("${}.leaf", ".next".repeat(depth));
        let (values, _) = at(&schema, &text, &path);
        assert!(values.is_empty() || values.contains(&json!("x")));
    }
}
