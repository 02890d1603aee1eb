//! Times in few bytes: the difference to whichever time nearby is closest, in nanoseconds.

use super::Bad;
use super::bytes::{Cursor, Put};

/// Nanoseconds since 1970.
pub(super) type Nanos = i128;

pub(super) fn nanos(seconds: i64, nanos: u32) -> Nanos {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanos)
}

/// Seconds and nanoseconds.
pub(super) fn split(time: Nanos) -> Result<(i64, u32), Bad> {
    let seconds = i64::try_from(time.div_euclid(1_000_000_000));
    let nanos = u32::try_from(time.rem_euclid(1_000_000_000));
    match (seconds, nanos) {
        (Ok(seconds), Ok(nanos)) => Ok((seconds, nanos)),
        _ => Err(Bad::Value("time")),
    }
}

/// Which of `near` is closest (the first of several) and the difference to it, made positive: 0, -1, 1, -2, …
fn closest(time: Nanos, near: &[Nanos]) -> (usize, u128) {
    let folded = |base: &Nanos| {
        let delta = time - base;
        (delta << 1 ^ delta >> 127).cast_unsigned()
    };
    let all = near.iter().map(folded).enumerate();
    all.min_by_key(|(_, delta)| *delta).unwrap_or_default()
}

/// `near` holds one to four times; the number written is the difference times their count, plus which one it is to.
pub(super) fn put(out: &mut Vec<u8>, time: Nanos, near: &[Nanos]) {
    let (which, delta) = closest(time, near);
    let mut value = delta * near.len() as u128 + which as u128;
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.put_varint(value as u64);
}

pub(super) fn get(cursor: &mut Cursor<'_>, near: &[Nanos]) -> Result<Nanos, Bad> {
    let value = long_varint(cursor)?;
    let count = near.len() as u128;
    let which = usize::try_from(value % count).unwrap_or_default();
    let folded = value / count;
    // Times fit 94 bits, their differences 95.
    if folded >> 96 != 0 {
        return Err(Bad::Value("time"));
    }
    let delta = (folded >> 1).cast_signed() ^ -((folded & 1).cast_signed());
    let time = near.get(which).copied().unwrap_or_default() + delta;
    split(time)?;
    match closest(time, near) == (which, folded) {
        true => Ok(time),
        false => Err(Bad::Value("time")),
    }
}

fn long_varint(cursor: &mut Cursor<'_>) -> Result<u128, Bad> {
    let mut value = 0u128;
    for shift in (0..=98).step_by(7) {
        let byte = cursor.u8()?;
        if byte == 0 && shift > 0 {
            return Err(Bad::Value("time"));
        }
        value |= u128::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Bad::Value("time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_round_trip_and_are_short_beside_their_neighbours() {
        let now = nanos(1_790_000_000, 123_456_789);
        let near = [now, nanos(0, 0), nanos(-5, 1)];
        let table = [
            (now, 1),
            (now + 10_000, 3),
            (now + 3_000_000_000, 5),
            (nanos(0, 1), 1),
            (nanos(i64::MAX, 999_999_999), 14),
            (nanos(i64::MIN, 0), 14),
        ];
        for (time, most) in table {
            let mut bytes = Vec::new();
            put(&mut bytes, time, &near);
            assert!(bytes.len() <= most, "{time}: {} bytes", bytes.len());
            let mut cursor = Cursor::new(&bytes);
            assert_eq!(get(&mut cursor, &near), Ok(time));
            assert_eq!(cursor.end(), Ok(()));
        }
    }

    #[test]
    fn a_time_has_one_spelling_and_a_range() {
        let refused = |bytes: &[u8], near: &[Nanos]| {
            assert!(get(&mut Cursor::new(bytes), near).is_err(), "{bytes:?}");
        };
        // One nanosecond after the second of two equal times.
        refused(&[5], &[0, 0]);
        refused(&[0x80, 0], &[0]);
        refused(&[0xff; 20], &[0]);
        refused(&[], &[0]);
        refused(&[2], &[nanos(i64::MAX, 999_999_999)]);
    }
}
