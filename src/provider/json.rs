//! JSON as servers really write it: other languages' literals, nulls and strings where numbers belong.
//!
//! Owns types that never fail because of a *type*: what cannot be used reads as absent, so that one
//! odd field does not lose a reply. They read straight from the input; no tree is built.
//!
//! Invariant: only text that is no JSON at all, also after [`repair`], is an error.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt::{self, Formatter};
use std::marker::PhantomData;

/// Returns the text with what is no JSON but can only mean one thing replaced; `None` when there is
/// nothing to replace.
///
/// Python writes `NaN`, `Infinity` and `-Infinity`, which become `null`; halves of surrogate pairs,
/// escaped on their own, become U+FFFD; bare control characters in strings are escaped.
pub(super) fn repair(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut kept = 0;
    let mut replace = |range: std::ops::Range<usize>, with: &str| {
        out.push_str(&text[kept..range.start]);
        out.push_str(with);
        kept = range.end;
    };
    let bytes = text.as_bytes();
    let (mut at, mut in_string) = (0, false);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = match (in_string, bytes[at]) {
            (_, b'"') => {
                in_string = !in_string;
                1
            }
            (true, b'\\') => match surrogate(rest) {
                Some(0xd800..=0xdbff) if matches!(surrogate(&rest[6..]), Some(0xdc00..=0xdfff)) => 12,
                Some(_) => {
                    replace(at..at + 6, "\\ufffd");
                    6
                }
                None => 2,
            },
            (true, control @ 0..0x20) => {
                replace(at..at + 1, &format!("\\u{control:04x}"));
                1
            }
            (false, b'-' | b'N' | b'I') => {
                let literals = [b"NaN".as_slice(), b"-NaN", b"Infinity", b"-Infinity"];
                match literals.iter().find(|literal| rest.starts_with(literal)) {
                    Some(literal) => {
                        replace(at..at + literal.len(), "null");
                        literal.len()
                    }
                    None => 1,
                }
            }
            _ => 1,
        };
        at += length;
    }
    if kept == 0 {
        return None;
    }
    out.push_str(&text[kept..]);
    Some(out)
}

/// Returns the half of a surrogate pair that the bytes begin with, as `\ud83d`.
fn surrogate(bytes: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(bytes.strip_prefix(b"\\u")?.get(..4)?).ok()?;
    u16::from_str_radix(digits, 16).ok().filter(|unit| (0xd800..=0xdfff).contains(unit))
}

/// Writes the visitor methods that read a value as absent.
macro_rules! absent {
    ($($kind:ident),* $(,)?) => { $(absent!(@ $kind);)* };
    (@ scalar) => { absent!(number, boolean, unit); };
    (@ number) => {
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
    };
    (@ boolean) => {
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
    };
    (@ unit) => {
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
    };
    (@ text) => {
        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
    };
    (@ list) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
    (@ object) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
    (@ expecting) => {
        fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result { f.write_str("any value") }
    };
}

/// A string; anything else reads as empty.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            absent!(expecting, scalar, list, object);
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// A number, or a string that holds one; anything else reads as absent.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Number(pub(super) Option<f64>);

impl Number {
    /// Returns the number as a count of something; `None` for a negative one.
    pub(super) fn count(self) -> Option<u64> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of tokens are far below 2^52, and the cast saturates"
        )]
        self.0.filter(|number| *number >= 0.0).map(|number| number.round() as u64)
    }

    /// Returns the number of a token in its vocabulary.
    pub(super) fn id(self) -> Option<u32> {
        self.count().and_then(|number| u32::try_from(number).ok())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        #[expect(clippy::cast_precision_loss, reason = "logprobs and token counts are far below 2^52")]
        impl<'de> Visitor<'de> for NumberVisitor {
            type Value = Number;
            absent!(expecting, boolean, unit, list, object);
            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(Some(number as f64)))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(Some(number as f64)))
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                Ok(Number(Some(number)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                Ok(Number(text.trim().parse().ok()))
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
}

/// A switch; anything but `true` reads as off.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;
        impl<'de> Visitor<'de> for FlagVisitor {
            type Value = Flag;
            absent!(expecting, number, unit, text, list, object);
            fn visit_bool<E: Error>(self, is_on: bool) -> Result<Flag, E> {
                Ok(Flag(is_on))
            }
        }
        deserializer.deserialize_any(FlagVisitor)
    }
}

/// An object; anything else reads as absent.
#[derive(Debug)]
pub(super) struct Maybe<T>(pub(super) Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Maybe<T>;
            absent!(expecting, scalar, text, list);
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|value| Maybe(Some(value)))
            }
        }
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

/// A list of objects; what is no object in it is left out, and anything else reads as empty.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = List<T>;
            absent!(expecting, scalar, text, object);
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(Maybe(item)) = seq.next_element()? {
                    items.extend(item);
                }
                Ok(List(items))
            }
        }
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

/// A list of byte values; anything else reads as absent, and so does a list that holds anything else.
#[derive(Debug, Default)]
pub(super) struct ByteList(pub(super) Option<Vec<u8>>);

impl<'de> Deserialize<'de> for ByteList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByteVisitor;
        impl<'de> Visitor<'de> for ByteVisitor {
            type Value = ByteList;
            absent!(expecting, scalar, text, object);
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut bytes = Some(Vec::with_capacity(8));
                while let Some(number) = seq.next_element::<Number>()? {
                    let byte = number.count().and_then(|value| u8::try_from(value).ok());
                    match (&mut bytes, byte) {
                        (Some(bytes), Some(byte)) => bytes.push(byte),
                        _ => bytes = None,
                    }
                }
                Ok(ByteList(bytes))
            }
        }
        deserializer.deserialize_any(ByteVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_can_only_mean_one_thing_is_repaired() {
        let cases = [
            (r#"{"a":NaN,"b":-Infinity,"c":[Infinity]}"#, Some(r#"{"a":null,"b":null,"c":[null]}"#)),
            (r#"{"a":"NaN \" Infinity","b":-1}"#, None),
            (r#"["\ud83d","\ude42","\ud83d\ude42","\\ud83d"]"#, {
                Some(r#"["\ufffd","\ufffd","\ud83d\ude42","\\ud83d"]"#)
            }),
            ("[\"a\u{1}한\n\"]", Some("[\"a\\u0001한\\u000a\"]")),
            ("{\"a\":\"\\", None),
            ("{\"a\":\"\\ud8", None),
        ];
        for (text, expected) in cases {
            assert_eq!(repair(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn no_type_is_an_error() {
        for value in ["null", "true", "1", "-1", "1.5", "\"x\"", "[1,[2]]", "{\"a\":{}}"] {
            assert!(serde_json::from_str::<Text<'_>>(value).is_ok(), "{value}");
            assert!(serde_json::from_str::<Number>(value).is_ok(), "{value}");
            assert_eq!(serde_json::from_str::<Flag>(value).unwrap().0, value == "true", "{value}");
            assert!(serde_json::from_str::<Maybe<IgnoredAny>>(value).is_ok(), "{value}");
            assert!(serde_json::from_str::<List<IgnoredAny>>(value).is_ok(), "{value}");
            assert!(serde_json::from_str::<ByteList>(value).is_ok(), "{value}");
        }
    }

    #[test]
    fn numbers_come_as_numbers_or_strings() {
        let read = |text| serde_json::from_str::<Number>(text).unwrap().0;
        assert_eq!([read("3"), read("-0.5"), read("\" 7 \"")], [Some(3.0), Some(-0.5), Some(7.0)]);
        assert_eq!([read("\"x\""), read("null"), read("[]")], [None, None, None]);
        assert_eq!(Number(Some(-1.0)).count(), None);
    }

    #[test]
    fn bytes_are_bytes_or_absent() {
        let read = |text| serde_json::from_str::<ByteList>(text).unwrap().0;
        assert_eq!(read("[240,159]"), Some(vec![240, 159]));
        assert_eq!([read("null"), read("[256]"), read("[\"a\"]")], [None, None, None]);
        assert_eq!(read("[]"), Some(vec![]));
    }

    proptest! {
        /// What was repaired needs no repair, and JSON never does.
        #[test]
        fn repairing_is_final(
            parts in prop::collection::vec(
                prop::sample::select(vec!["\"", "\\", "\\u", "d83d", "\\ude42", "NaN", "-Infinity", "한", "\u{1}", "x"]),
                0..20,
            ),
            text in any::<String>(),
        ) {
            if let Some(repaired) = repair(&parts.concat()) {
                prop_assert_eq!(repair(&repaired), None);
            }
            prop_assert_eq!(repair(&serde_json::to_string(&text).unwrap()), None);
        }
    }
}
