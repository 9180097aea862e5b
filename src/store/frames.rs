//! The raw frames of a response, with their times of arrival, as one blob.
//!
//! ```text
//! version 1, number of frames, for each the time since the one before and its length,
//! the length of the text, and the text of all frames, deflated
//! ```
//!
//! Owns that form. Frames of one stream repeat each other, so together they shrink to a tenth or less.

use crate::core::exchange::{Exchange, KEPT_BYTES};
use crate::store::bytes::{Reader, put_length, put_number};
use crate::store::error::StoreError;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use std::io::{Read, Write};
use std::time::Duration;

const VERSION: u8 = 1;

/// How hard is tried. This little costs less than writing the text as it is would; more saves a few
/// bytes and costs more than both, see `benches/store.rs`.
const LEVEL: u32 = 1;

/// Returns the frames of an exchange as a blob.
pub(super) fn encode(exchange: &Exchange) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_length(&mut out, exchange.frames().len());
    let (mut before, mut length) = (Duration::ZERO, 0);
    for (at, frame) in exchange.frames() {
        // Frames come in order; should a clock have gone back, the later time stands.
        let since = at.saturating_sub(before);
        before += since;
        length += frame.len();
        put_number(&mut out, u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
        put_length(&mut out, frame.len());
    }
    put_length(&mut out, length);
    let mut deflated = DeflateEncoder::new(out, Compression::new(LEVEL));
    for (_, frame) in exchange.frames() {
        // Writing into memory cannot fail.
        let _ = deflated.write_all(frame.as_bytes());
    }
    deflated.finish().unwrap_or_default()
}

/// Adds the frames of a blob to an exchange.
pub(super) fn decode(blob: &[u8], exchange: &mut Exchange) -> Result<(), StoreError> {
    let mut reader = Reader::new(blob, "the raw frames of an answer");
    if reader.byte()? != VERSION {
        return Err(reader.broken());
    }
    let count = reader.count(2)?;
    let mut frames = Vec::with_capacity(count);
    for _ in 0..count {
        frames.push((reader.number()?, reader.number()?));
    }
    let length = usize::try_from(reader.number()?).ok().filter(|length| *length <= KEPT_BYTES);
    let length = length.ok_or_else(|| reader.broken())?;
    let mut text = Vec::new();
    // One byte more than there should be, to notice if there is more.
    let limit = length as u64 + 1;
    let inflated = DeflateDecoder::new(reader.rest()).take(limit).read_to_end(&mut text);
    if inflated.is_err() || text.len() != length {
        return Err(reader.broken());
    }
    let mut text = Reader::new(&text, "the raw frames of an answer");
    let mut at = 0_u64;
    for (since, length) in frames {
        at = at.saturating_add(since);
        let length = usize::try_from(length).map_err(|_| reader.broken())?;
        exchange.push(Duration::from_nanos(at), text.text(length)?);
    }
    text.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exchange(frames: &[(u64, String)]) -> Exchange {
        let mut exchange = Exchange::default();
        let mut at = 0;
        for (since, frame) in frames {
            at += since;
            exchange.push(Duration::from_nanos(at), frame);
        }
        exchange
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let mut bomb = vec![VERSION, 0];
        put_length(&mut bomb, 10);
        let mut deflated = DeflateEncoder::new(bomb, Compression::best());
        deflated.write_all(&vec![b'a'; 32 << 20]).unwrap();
        let bomb = deflated.finish().unwrap();
        assert!(bomb.len() < 100_000);
        assert!(decode(&bomb, &mut Exchange::default()).is_err());
    }

    proptest! {
        #[test]
        fn frames_come_back(frames in prop::collection::vec((0u64..1 << 40, "\\PC{0,30}"), 0..20)) {
            let exchange = exchange(&frames);
            let mut back = Exchange::default();
            decode(&encode(&exchange), &mut back).unwrap();
            prop_assert_eq!(back, exchange);
        }

        #[test]
        fn any_bytes_are_frames_or_broken(
            junk in prop::collection::vec(any::<u8>(), 0..60),
            frames in prop::collection::vec((0u64..99, "[a-z]{0,9}"), 0..6),
            at in any::<prop::sample::Index>(),
            to in any::<u8>(),
        ) {
            let _ = decode(&junk, &mut Exchange::default());
            let mut blob = encode(&exchange(&frames));
            let at = at.index(blob.len());
            blob[at] = to;
            let _ = decode(&blob, &mut Exchange::default());
            let _ = decode(&blob[..at], &mut Exchange::default());
        }
    }
}
