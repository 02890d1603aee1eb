//! The recovery key: what is left when every password is.

use std::path::Path;

use crate::keys::random;
use crate::secret::{SecretError, read_text};
use crate::{Error, Secret};

/// 32 random bytes that open a vault. On paper they are 24 words (BIP-39, English), which notice a wrong or a misplaced one.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryKey([u8; 32]);

/// Words of a recovery key.
const WORDS: usize = 24;

impl RecoveryKey {
    pub fn generate() -> Result<RecoveryKey, Error> {
        Ok(RecoveryKey(random()?))
    }

    pub fn words(&self) -> Vec<&'static str> {
        match bip39::Mnemonic::from_entropy(&self.0) {
            Ok(words) => words.words().collect(),
            // 32 bytes always make 24 words.
            Err(_) => Vec::new(),
        }
    }

    /// From a text as it was printed or typed: 24 words, whatever their case, numbered or not; lines that begin with `#` are
    /// passed over. What is wrong with it fits after "use the recovery key: ".
    pub fn parse(text: &str) -> Result<RecoveryKey, String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let words: Vec<String> = lines
            .flat_map(|line| line.split(|c: char| !c.is_ascii_alphabetic()))
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        if words.len() != WORDS {
            return Err(format!("it has {} words instead of {WORDS}", words.len()));
        }
        let found = bip39::Mnemonic::parse_normalized(&words.join(" "));
        let (entropy, len) = found
            .map_err(|error| match error {
                bip39::Error::UnknownWord(at) => format!(
                    "its word {} ({}) is none of the list",
                    at + 1,
                    words.get(at).map_or("", String::as_str)
                ),
                _ => "its words do not fit together: one is wrong, or two are exchanged".to_owned(),
            })?
            .to_entropy_array();
        let bytes = entropy.get(..len).unwrap_or_default();
        <[u8; 32]>::try_from(bytes)
            .map(RecoveryKey)
            .map_err(|_| "it is of another length".to_owned())
    }

    pub fn from_file(path: &Path) -> Result<RecoveryKey, SecretError> {
        let text = read_text(path)?;
        RecoveryKey::parse(&text).map_err(|what| SecretError::NotRecovery {
            path: path.to_owned(),
            what,
        })
    }

    pub fn secret(&self) -> Secret {
        Secret::recovery(self.0)
    }
}

impl std::fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_key_survives_paper() {
        let key = RecoveryKey::generate().unwrap();
        let words = key.words();
        assert_eq!(words.len(), WORDS);
        let numbered = words.iter().enumerate();
        let typed: String = numbered
            .map(|(n, word)| format!("{:2}. {}\n", n + 1, word.to_uppercase()))
            .collect();
        for text in [
            words.join(" "),
            typed,
            format!("# A vault\n{}\r\n", words.join("\n")),
        ] {
            assert_eq!(RecoveryKey::parse(&text), Ok(key.clone()), "{text}");
        }
        assert!(!format!("{key:?}").contains(words[0]));
    }

    #[test]
    fn the_words_are_the_standards() {
        let key = RecoveryKey([0; 32]);
        let words = key.words();
        assert_eq!(
            (words[0], words[22], words[23]),
            ("abandon", "abandon", "art")
        );
    }

    #[test]
    fn a_misread_word_is_noticed_and_said() {
        let key = RecoveryKey([7; 32]);
        let mut words = key.words();
        let refused = |words: &[&str]| RecoveryKey::parse(&words.join(" ")).unwrap_err();
        assert!(refused(&words[1..]).contains("23 words"));
        let first = std::mem::replace(&mut words[4], "agriculteur");
        assert!(refused(&words).contains("word 5 (agriculteur)"));
        words[4] = if first == "zoo" { "zone" } else { "zoo" };
        assert!(refused(&words).contains("do not fit together"));
    }
}
