//! A cursor over bytes, and its counterpart.

use super::Bad;

pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { rest: bytes }
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Bad> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Bad::Short)?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Bad> {
        self.take(N)?.try_into().map_err(|_| Bad::Short)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Bad> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Bad> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Bad> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Bad> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Bad> {
        self.array().map(i64::from_le_bytes)
    }

    /// Seven bits a byte, lowest first; only the shortest spelling of a number is one.
    pub(crate) fn varint(&mut self) -> Result<u64, Bad> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part || (byte == 0 && shift > 0) {
                return Err(Bad::Value("number"));
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Bad::Value("number"))
    }

    pub(crate) fn varint_u32(&mut self) -> Result<u32, Bad> {
        u32::try_from(self.varint()?).map_err(|_| Bad::Value("number"))
    }

    /// Small numbers of either sign: 0, -1, 1, -2, …
    pub(crate) fn varint_i64(&mut self) -> Result<i64, Bad> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    /// A count of items that take at least `least` bytes each: more than the rest can hold is refused before anything is
    /// allocated.
    pub(crate) fn varint_count(&mut self, least: usize) -> Result<usize, Bad> {
        let count = usize::try_from(self.varint()?).map_err(|_| Bad::Short)?;
        match count.checked_mul(least) {
            Some(bytes) if bytes <= self.rest.len() => Ok(count),
            _ => Err(Bad::Short),
        }
    }

    /// Bytes with their length (varint) before them.
    pub(crate) fn short_blob(&mut self) -> Result<&'a [u8], Bad> {
        let len = self.varint_count(1)?;
        self.take(len)
    }

    /// Bytes left.
    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn end(self) -> Result<(), Bad> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Bad::Length)
        }
    }
}

/// Appends values in the form [`Cursor`] reads.
pub(crate) trait Put {
    fn put_u16(&mut self, value: u16);
    fn put_u32(&mut self, value: u32);
    fn put_varint(&mut self, value: u64);
    fn put_varint_i64(&mut self, value: i64);
    fn put_short_blob(&mut self, bytes: &[u8]);
    fn put_u64(&mut self, value: u64);
    fn put_i64(&mut self, value: i64);
}

impl Put for Vec<u8> {
    fn put_u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.push(value as u8);
    }

    fn put_varint_i64(&mut self, value: i64) {
        self.put_varint((value << 1 ^ value >> 63).cast_unsigned());
    }

    fn put_short_blob(&mut self, bytes: &[u8]) {
        self.put_varint(bytes.len() as u64);
        self.extend_from_slice(bytes);
    }

    fn put_u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_i64(&mut self, value: i64) {
        self.extend_from_slice(&value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        let values = [
            0,
            1,
            127,
            128,
            300,
            u64::from(u32::MAX),
            u64::MAX - 1,
            u64::MAX,
        ];
        for value in values {
            let mut bytes = Vec::new();
            bytes.put_varint(value);
            assert_eq!(Cursor::new(&bytes).varint(), Ok(value));
        }
        for value in [0, 1, -1, 63, -64, i64::MIN, i64::MAX] {
            let mut bytes = Vec::new();
            bytes.put_varint_i64(value);
            assert_eq!(Cursor::new(&bytes).varint_i64(), Ok(value));
        }
        let bad: [&[u8]; 5] = [&[], &[0x80], &[0x80, 0], &[0xff; 10], &[0xff; 11]];
        for bytes in bad {
            assert!(Cursor::new(bytes).varint().is_err(), "{bytes:?}");
        }
    }
}
