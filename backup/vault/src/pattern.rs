//! What a name is looked for by.

/// A text that names contain, or a pattern: `*` any characters, `?` one, `[a-z]` one of these, `[!a-z]` one of the others.
/// Case does not matter. A pattern with a `/` is held against whole paths, where only `**` passes over a `/`; another one
/// against the last name alone.
#[derive(Clone, Debug)]
pub struct Pattern {
    tokens: Vec<Token>,
    whole_path: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    One(char),
    /// `?`
    Any,
    /// `*`
    Many,
    /// `**`
    Everything,
    Among {
        not: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    pub fn new(text: &str) -> Pattern {
        let text = text.to_lowercase();
        let mut tokens = parse(&text);
        if !tokens.iter().any(|token| !matches!(token, Token::One(_))) {
            tokens.insert(0, Token::Everything);
            tokens.push(Token::Everything);
        }
        Pattern {
            tokens,
            whole_path: text.contains('/'),
        }
    }

    /// Must it be asked with the path, and not with the name alone?
    pub(crate) fn needs_path(&self) -> bool {
        self.whole_path
    }

    pub fn matches(&self, name: &[u8], path: &[u8]) -> bool {
        let text = if self.whole_path { path } else { name };
        let text: Vec<char> = String::from_utf8_lossy(text)
            .to_lowercase()
            .chars()
            .collect();
        holds(&self.tokens, &text)
    }
}

fn parse(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        at += 1;
        tokens.push(match c {
            '*' if chars.get(at) == Some(&'*') => {
                at += 1;
                Token::Everything
            }
            '*' => Token::Many,
            '?' => Token::Any,
            '[' => match among(&chars[at..]) {
                Some((token, len)) => {
                    at += len;
                    token
                }
                None => Token::One('['),
            },
            c => Token::One(*c),
        });
    }
    tokens
}

/// The inside of brackets, and how many characters it takes with the closing one.
fn among(chars: &[char]) -> Option<(Token, usize)> {
    let not = matches!(chars.first(), Some('!' | '^'));
    let from = usize::from(not);
    // A bracket right at the start is one of the characters.
    let end = from + 1 + chars.get(from + 1..)?.iter().position(|c| *c == ']')?;
    let inside = &chars[from..end];
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(first) = inside.get(at) {
        match (inside.get(at + 1), inside.get(at + 2)) {
            (Some('-'), Some(last)) => {
                ranges.push((*first, *last));
                at += 3;
            }
            _ => {
                ranges.push((*first, *first));
                at += 1;
            }
        }
    }
    Some((Token::Among { not, ranges }, end + 1))
}

/// Linear in both but for the last star met, to which it comes back: no pattern takes for ever.
fn holds(tokens: &[Token], text: &[char]) -> bool {
    let (mut token, mut at) = (0, 0);
    // Where to go on when the rest does not fit: after the star, one character further.
    let mut star: Option<(usize, usize)> = None;
    let mut double: Option<(usize, usize)> = None;
    loop {
        match tokens.get(token) {
            Some(Token::Many) => {
                token += 1;
                star = Some((token, at));
                continue;
            }
            Some(Token::Everything) => {
                token += 1;
                (star, double) = (None, Some((token, at)));
                continue;
            }
            Some(one) if text.get(at).is_some_and(|c| fits(one, *c)) => {
                token += 1;
                at += 1;
                continue;
            }
            None if at == text.len() => return true,
            _ => {}
        }
        if let Some((after, from)) = star
            && text.get(from).is_some_and(|c| *c != '/')
        {
            star = Some((after, from + 1));
            (token, at) = (after, from + 1);
        } else if let Some((after, from)) = double
            && from < text.len()
        {
            (star, double) = (None, Some((after, from + 1)));
            (token, at) = (after, from + 1);
        } else {
            return false;
        }
    }
}

fn fits(token: &Token, c: char) -> bool {
    match token {
        Token::One(one) => *one == c,
        Token::Any => c != '/',
        Token::Among { not, ranges } => {
            c != '/' && ranges.iter().any(|(a, b)| (*a..=*b).contains(&c)) != *not
        }
        Token::Many | Token::Everything => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_found() {
        for (pattern, path, want) in [
            ("report", "/srv/a/Old Report.ods", true),
            ("report", "/srv/report/x", false),
            ("É", "/srv/été.txt", true),
            ("*.ods", "/srv/a/x.ODS", true),
            ("*.ods", "/srv/a/x.ods.bak", false),
            ("?.ods", "/srv/a/xy.ods", false),
            ("[a-c]?.ods", "/srv/a/by.ods", true),
            ("[!a-c]?.ods", "/srv/a/by.ods", false),
            ("[]x]", "/srv/]", true),
            ("[x", "/srv/a[x]", true),
            ("a[x*", "/srv/a[x]", true),
            ("/srv/*/x", "/srv/a/x", true),
            ("/srv/*/x", "/srv/a/b/x", false),
            ("/srv/**/x", "/srv/a/b/x", true),
            ("srv/a", "/srv/a/b/x", true),
            ("**/b/*", "/srv/a/b/x", true),
            ("**/b/*", "/srv/a/b/c/x", false),
            ("/srv/a*b*c", "/srv/axbxc", true),
            ("/srv/a*b*c/d", "/srv/axb/c/d", false),
            ("", "/anything", true),
            ("*", "/anything", true),
        ] {
            let name = path.rsplit('/').next().unwrap();
            let found = Pattern::new(pattern).matches(name.as_bytes(), path.as_bytes());
            assert_eq!(found, want, "{pattern} {path}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends() {
        let name = "a".repeat(2000);
        let pattern = Pattern::new(&"*a".repeat(500).to_string().replace("*a", "*a*b"));
        assert!(!pattern.matches(name.as_bytes(), b""));
    }
}
