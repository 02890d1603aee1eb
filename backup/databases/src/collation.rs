//! MySQL 8's collations (UCA 9.0.0) by the names of MariaDB's nearest (UCA 14.0.0, also without padding). Pure.

/// What every MySQL collation of UCA 9 begins with, and holds.
const FAMILY: &[u8] = b"utf8mb4_";
const VERSION: &[u8] = b"0900_";

/// `utf8mb4_0900_ai_ci` and `utf8mb4_de_pb_0900_as_cs` become what MariaDB calls its own.
pub(crate) fn translate(line: &mut Vec<u8>) {
    if !line.windows(VERSION.len()).any(|seen| seen == VERSION) {
        return;
    }
    let mut out = Vec::with_capacity(line.len() + 64);
    let mut rest = line.as_slice();
    while !rest.is_empty() {
        let len = rest.iter().take_while(|byte| is_name(**byte)).count();
        let (word, after) = rest.split_at(len);
        out.extend_from_slice(nearest(word).unwrap_or(word));
        let between = after.iter().take_while(|byte| !is_name(**byte)).count();
        let (between, after) = after.split_at(between);
        out.extend_from_slice(between);
        rest = after;
    }
    *line = out;
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn nearest(word: &[u8]) -> Option<&'static [u8]> {
    let rest = word.strip_prefix(FAMILY)?;
    let at = rest
        .windows(VERSION.len())
        .position(|seen| seen == VERSION)?;
    let kind = rest.get(at + VERSION.len()..)?;
    Some(match kind {
        b"bin" => b"utf8mb4_nopad_bin",
        b"ai_ci" => b"utf8mb4_uca1400_nopad_ai_ci",
        b"as_ci" => b"utf8mb4_uca1400_nopad_as_ci",
        // The strictest: keys that were unique stay so.
        _ => b"utf8mb4_uca1400_nopad_as_cs",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exchanged_and_all_else_stays() {
        for (line, told) in [
            (
                ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;\n",
                ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_uca1400_nopad_ai_ci;\n",
            ),
            (
                "`a` text COLLATE utf8mb4_de_pb_0900_as_cs, `b` text COLLATE utf8mb4_0900_bin",
                "`a` text COLLATE utf8mb4_uca1400_nopad_as_cs, `b` text COLLATE utf8mb4_nopad_bin",
            ),
            (
                "é COLLATE utf8mb4_ja_0900_as_cs_ks",
                "é COLLATE utf8mb4_uca1400_nopad_as_cs",
            ),
            ("COLLATE utf8mb4_unicode_ci;", "COLLATE utf8mb4_unicode_ci;"),
            ("'order 0900_7 of utf8mb4'", "'order 0900_7 of utf8mb4'"),
            ("`x_utf8mb4_0900_ai_ci`", "`x_utf8mb4_0900_ai_ci`"),
            ("", ""),
        ] {
            let mut line = line.as_bytes().to_vec();
            translate(&mut line);
            assert_eq!(String::from_utf8_lossy(&line), told);
        }
    }
}
