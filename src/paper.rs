//! The paper key: the words of a recovery key on one page, and what was typed back from it.

use anyhow::Context;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use std::fmt::Write;
use vault::RecoveryKey;

/// Words of a recovery key beside each other.
const COLUMNS: usize = 4;
/// No two words of the list (BIP 39) begin with the same four letters.
const LETTERS: usize = 4;

/// What is kept in the safe; it serves as it is for --recovery-key. On a terminal the code is black on white whatever the
/// colours are.
pub(crate) fn paper(
    key: &RecoveryKey,
    place: &str,
    made: &str,
    on_terminal: bool,
) -> anyhow::Result<String> {
    let words = key.words();
    let mut text = format!(
        "# Recovery key of the vault in {place}, made {made}.\n\
         # Whoever has these words and the vault's folder can read everything in it: keep them apart.\n\
         # To use it, type the 24 words into a file and give it with --recovery-key FILE.\n\n"
    );
    for (line, some) in words.chunks(COLUMNS).enumerate() {
        for (column, word) in some.iter().enumerate() {
            write!(text, "{:>4}. {word:<10}", line * COLUMNS + column + 1)?;
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text.push('\n');
    let code = QrCode::with_error_correction_level(words.join(" "), EcLevel::M)
        .context("draw the QR code")?;
    for line in code.render::<Dense1x2>().build().lines() {
        match on_terminal {
            true => writeln!(text, "\x1b[30;107m{line}\x1b[0m")?,
            false => writeln!(text, "{line}")?,
        }
    }
    Ok(text)
}

/// Is this what the paper says? Numbers and marks between the words are passed over, and the first four letters of a word
/// are enough. What is wrong fits after "these are not the words: ".
pub(crate) fn typed_back(key: &RecoveryKey, typed: &str) -> Result<(), String> {
    let typed: Vec<String> = typed
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let words = key.words();
    if typed.len() != words.len() {
        return Err(format!("{} / {}", typed.len(), words.len()));
    }
    let is_meant = |typed: &str, word: &str| {
        typed == word || (typed.len() >= LETTERS && word.starts_with(typed))
    };
    let wrong = typed
        .iter()
        .zip(&words)
        .position(|(typed, word)| !is_meant(typed, word));
    match wrong {
        Some(at) => Err(format!(
            "{}. {}",
            at + 1,
            typed.get(at).map_or("", String::as_str)
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_opens_the_vault_as_it_is_and_fits_a_page() {
        let key = RecoveryKey::generate().expect("random");
        let text = paper(&key, "/mnt/nas zoo", "2026-11-22", false).expect("paper");
        assert_eq!(RecoveryKey::parse(&text), Ok(key.clone()), "{text}");
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= 100), "{text}");
        assert!(text.lines().count() <= 60, "{text}");
        let shown = paper(&key, "/mnt/nas", "2026-11-22", true).expect("paper");
        assert!(shown.contains("\x1b[30;107m"), "{shown}");
    }

    #[test]
    fn words_are_known_again_by_four_letters_and_a_wrong_one_by_its_place() {
        let key = RecoveryKey::generate().expect("random");
        let words = key.words();
        let short: Vec<&str> = words.iter().map(|w| &w[..w.len().min(4)]).collect();
        assert_eq!(typed_back(&key, &words.join(" ")), Ok(()));
        assert_eq!(
            typed_back(&key, &format!("1. {}", short.join(", ").to_uppercase())),
            Ok(())
        );
        assert_eq!(typed_back(&key, "abandon"), Err("1 / 24".to_owned()));
        let mut wrong = short.clone();
        wrong[6] = "zzzz";
        assert_eq!(
            typed_back(&key, &wrong.join(" ")),
            Err("7. zzzz".to_owned())
        );
        // Three letters fit several words.
        let mut vague = words.clone();
        let long = words.iter().position(|w| w.len() > 4).expect("one of 24");
        vague[long] = &words[long][..3];
        assert!(typed_back(&key, &vague.join(" ")).is_err());
    }
}
