//! The `Range` header: one range of bytes, as firmware and iPXE ask. Pure.

use std::ops::Range;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Whole,
    Part(Range<u64>),
    /// Nothing of the file lies in the range.
    Outside,
}

/// RFC 9110 §14: what is not understood, and several ranges at once, gets the whole file.
pub(super) fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some(spec) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = spec.split_once('-') else {
        return Wanted::Whole;
    };
    let number = |text: &str| {
        let text = text.trim();
        // `parse` would take a sign.
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (number(first), number(last)) {
        (Some(first), _) if first >= size => match last.trim().is_empty() || number(last).is_some()
        {
            true => Wanted::Outside,
            false => Wanted::Whole,
        },
        (Some(first), Some(last)) if last >= first => {
            Wanted::Part(first..last.saturating_add(1).min(size))
        }
        (Some(first), None) if last.trim().is_empty() => Wanted::Part(first..size),
        (None, Some(0)) if first.trim().is_empty() => Wanted::Outside,
        (None, Some(_)) if first.trim().is_empty() && size == 0 => Wanted::Outside,
        (None, Some(tail)) if first.trim().is_empty() => {
            Wanted::Part(size.saturating_sub(tail)..size)
        }
        _ => Wanted::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let table = [
            (None, Wanted::Whole),
            (Some("bytes=0-99"), Wanted::Part(0..100)),
            (Some("bytes=0-0"), Wanted::Part(0..1)),
            (Some("bytes=10-19"), Wanted::Part(10..20)),
            (Some("bytes=90-"), Wanted::Part(90..100)),
            (Some("bytes=90-500"), Wanted::Part(90..100)),
            (Some("bytes=-10"), Wanted::Part(90..100)),
            (Some("bytes=-500"), Wanted::Part(0..100)),
            (Some("bytes=100-"), Wanted::Outside),
            (Some("bytes=100-200"), Wanted::Outside),
            (Some("bytes=-0"), Wanted::Outside),
            (Some("bytes=20-10"), Wanted::Whole),
            (Some("bytes=0-1,3-4"), Wanted::Whole),
            (Some("bytes=a-b"), Wanted::Whole),
            (Some("bytes=+1-2"), Wanted::Whole),
            (Some("bytes=-"), Wanted::Whole),
            (Some("items=0-1"), Wanted::Whole),
            (Some("bytes=99999999999999999999999-"), Wanted::Outside),
        ];
        for (header, expected) in table {
            assert_eq!(wanted(header, 100), expected, "{header:?}");
        }
        assert_eq!(wanted(Some("bytes=-5"), 0), Wanted::Outside);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Outside);
    }
}
