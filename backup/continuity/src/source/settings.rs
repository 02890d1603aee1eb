//! The settings of a PHP application, read without PHP: texts that are given to names, and nothing else.
//!
//! The file is a program and may do anything; only what is plainly written is taken. A value that is computed
//! (`getenv(…)`, `'a' . 'b'`, `"$x"`) has no value here, and whoever needs it is told so.

use super::wire::Style;
use std::collections::BTreeMap;

/// Longer than any settings of these applications.
pub(crate) const MOST_BYTES: u64 = 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// `$name`.
    Variable(String),
    Text(String),
    /// A number or a word.
    Word(String),
    Sign(char),
    /// `=>`.
    Arrow,
}

/// The names that are given a plain text or number, with the last one given.
pub(crate) fn read(text: &str, style: Style) -> BTreeMap<String, String> {
    let tokens = tokens(text);
    let mut found = BTreeMap::new();
    let mut depth = 0_u32;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        let next = |by: usize| tokens.get(at + by);
        let (name, value) = match (style, token, next(1), next(2)) {
            (Style::Variables, Token::Variable(name), Some(Token::Sign('=')), Some(value))
                if depth == 0 =>
            {
                let ends = matches!(next(3), Some(Token::Sign(';')) | None);
                (name, ends.then_some(value))
            }
            (Style::Array, Token::Text(name), Some(Token::Arrow), Some(value)) if depth == 1 => {
                let ends = matches!(next(3), Some(Token::Sign(',' | ')' | ']')));
                (name, ends.then_some(value))
            }
            _ => continue,
        };
        match value {
            Some(Token::Text(value) | Token::Word(value)) => {
                found.insert(name.clone(), value.clone());
            }
            // What was plain before is computed now: the old value would be wrong.
            _ => {
                found.remove(name);
            }
        }
    }
    found
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        if first.is_whitespace() {
            rest = after;
        } else if rest.starts_with("/*") {
            rest = rest.split_once("*/").map_or("", |(_, rest)| rest);
        } else if first == '#' && !rest.starts_with("#[") || rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if rest.starts_with("=>") {
            out.push(Token::Arrow);
            rest = rest.get(2..).unwrap_or_default();
        } else if first == '\'' || first == '"' {
            let (token, end) = quoted(after, first);
            out.push(token);
            rest = after.get(end..).unwrap_or_default();
        } else if first == '$' {
            let len = word(after);
            out.push(Token::Variable(
                after.get(..len).unwrap_or_default().to_owned(),
            ));
            rest = after.get(len..).unwrap_or_default();
        } else if word(rest) > 0 {
            let len = word(rest);
            out.push(Token::Word(rest.get(..len).unwrap_or_default().to_owned()));
            rest = rest.get(len..).unwrap_or_default();
        } else {
            out.push(Token::Sign(first));
            rest = after;
        }
    }
    out
}

fn word(text: &str) -> usize {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    end.unwrap_or(text.len())
}

/// The text behind a quote, and where what follows it begins. A text that PHP would compute is a sign, not a text.
fn quoted(text: &str, quote: char) -> (Token, usize) {
    let mut value = String::new();
    let mut computed = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => {
                let token = match computed {
                    true => Token::Sign('"'),
                    false => Token::Text(value),
                };
                return (token, at + 1);
            }
            '\\' => match (quote, chars.next().map(|(_, c)| c)) {
                (_, Some('\\')) => value.push('\\'),
                (quote, Some(c)) if c == quote => value.push(c),
                ('"', Some('$')) => value.push('$'),
                ('"', Some('n')) => value.push('\n'),
                ('"', Some('t')) => value.push('\t'),
                ('"', Some('r')) => value.push('\r'),
                ('"', Some(_)) => computed = true,
                (_, Some(c)) => value.extend(['\\', c]),
                (_, None) => {}
            },
            '$' if quote == '"' => {
                computed = true;
                value.push(c);
            }
            c => value.push(c),
        }
    }
    (Token::Sign(quote), text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_texts_are_read_and_nothing_else() {
        let text = r#"<?php
// $dolibarr_main_db_pass='old';
# $dolibarr_main_db_pass='older';
/* $dolibarr_main_db_pass='oldest'; */
$dolibarr_main_db_host='localhost';
$dolibarr_main_db_port = 3306 ;
$dolibarr_main_db_pass='it\'s \\ a "p;a/*ss//#"';
$dolibarr_main_db_name="doli\"barr\$";
$dolibarr_main_data_root='/var/lib/doli'."barr";
$dolibarr_main_url="http://$host/";
$later='plain'; $later=getenv('LATER');
$dolibarr_main_prod='0';
if ($x) { $dolibarr_main_db_user='inside'; }
$twice='a'; $twice='b';
"#;
        let found = read(text, Style::Variables);
        let get = |name: &str| found.get(name).map(String::as_str);
        for (name, want) in [
            ("dolibarr_main_db_host", Some("localhost")),
            ("dolibarr_main_db_port", Some("3306")),
            ("dolibarr_main_db_pass", Some("it's \\ a \"p;a/*ss//#\"")),
            ("dolibarr_main_db_name", Some("doli\"barr$")),
            ("dolibarr_main_data_root", None),
            ("dolibarr_main_url", None),
            ("later", None),
            ("dolibarr_main_db_user", None),
            ("twice", Some("b")),
        ] {
            assert_eq!(get(name), want, "{name}");
        }
    }

    #[test]
    fn the_array_of_nextcloud_is_read_at_its_first_level() {
        let text = r#"<?php
$CONFIG = array (
  'instanceid' => 'oc1',
  'trusted_domains' => array ( 0 => 'cloud.lan', 'dbname' => 'wrong' ),
  'datadirectory' => '/srv/nextcloud/data',
  'dbtype' => 'mysql',
  'dbhost' => 'localhost:3306',
  'dbport' => '',
  'dbname' => 'nextcloud',
  'dbpassword' => 'a' . 'b',
  'mysql.utf8mb4' => true,
);
"#;
        let found = read(text, Style::Array);
        let get = |name: &str| found.get(name).map(String::as_str);
        assert_eq!(get("datadirectory"), Some("/srv/nextcloud/data"));
        assert_eq!(get("dbname"), Some("nextcloud"));
        assert_eq!(get("dbport"), Some(""));
        assert_eq!(get("dbpassword"), None);
        assert_eq!(get("mysql.utf8mb4"), Some("true"));
        let short = read("<?php $CONFIG = [ 'dbname' => 'n' ];", Style::Array);
        assert_eq!(short.get("dbname").map(String::as_str), Some("n"));
    }

    #[test]
    fn any_text_ends_and_never_panics() {
        for text in [
            "'", "\"\\", "$", "/*", "#", "'\\", "é$é='", "$a='b", "]]]", "=>=>",
        ] {
            for style in [Style::Variables, Style::Array] {
                assert!(read(text, style).len() < 2, "{text}");
            }
        }
    }
}
