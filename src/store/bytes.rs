//! Reading and writing the compact forms: numbers of variable length, texts, bounds.
//!
//! Invariant: a reader never allocates more than the bytes it was given account for, whatever they say.

use crate::store::error::StoreError;

/// Appends a number, seven bits a byte, the lowest first.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends a length.
pub(super) fn put_length(out: &mut Vec<u8>, length: usize) {
    put_number(out, length as u64);
}

/// Reads compact forms from bytes that may be anything.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Returns a reader; `what` names the thing in messages.
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// Returns the error that what is kept cannot be read.
    pub(super) fn broken(&self) -> StoreError {
        StoreError::Broken { what: self.what }
    }

    pub(super) fn byte(&mut self) -> Result<u8, StoreError> {
        let (first, rest) = self.rest.split_first().ok_or_else(|| self.broken())?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], StoreError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.broken())?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.bytes(N)?.try_into().map_err(|_| self.broken())
    }

    pub(super) fn number(&mut self) -> Result<u64, StoreError> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(self.broken());
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.broken())
    }

    /// Returns a number of things of at least `least` bytes each, if as many can follow.
    pub(super) fn count(&mut self, least: usize) -> Result<usize, StoreError> {
        let count = usize::try_from(self.number()?).map_err(|_| self.broken())?;
        if count.checked_mul(least).is_none_or(|bytes| bytes > self.rest.len()) {
            return Err(self.broken());
        }
        Ok(count)
    }

    pub(super) fn text(&mut self, length: usize) -> Result<&'a str, StoreError> {
        std::str::from_utf8(self.bytes(length)?).map_err(|_| self.broken())
    }

    /// Returns what was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Refuses bytes that are left.
    pub(super) fn end(self) -> Result<(), StoreError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.broken()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_numbers_that_fit_are_read() {
        let read = |bytes: &[u8]| Reader::new(bytes, "x").number();
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).unwrap(), u64::MAX);
        assert!(read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).is_err());
        assert!(read(&[0x80; 11]).is_err());
        assert!(read(&[0x80]).is_err());
        assert!(Reader::new(&[9, 0, 0], "x").count(1).is_err());
    }

    proptest! {
        #[test]
        fn numbers_come_back(numbers in prop::collection::vec(any::<u64>(), 0..9)) {
            let mut out = Vec::new();
            for number in &numbers {
                put_number(&mut out, *number);
            }
            let mut reader = Reader::new(&out, "numbers");
            for number in &numbers {
                prop_assert_eq!(reader.number().unwrap(), *number);
            }
            prop_assert!(reader.end().is_ok());
        }
    }
}
