//! Which entries are left out: the syntax of a `.gitignore` file that lies in the saved folder.
//!
//! Own code because names are bytes here, and because a matcher of this size needs no regular expressions. Checked
//! against `git check-ignore` by the tests. The last pattern that matches decides; what lies in an excluded folder cannot
//! be taken back in, since the folder is not read. Files of Windows editors are accepted (a line may end with CR).

/// The patterns that hold in one root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns {
    list: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    /// As it was written, for messages.
    line: Vec<u8>,
    takes_back: bool,
    folders_only: bool,
    /// It has no `/`: any name at any depth is held against it.
    anywhere: bool,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// `**`
    AnyFolders,
    /// Without any of `*?[\`.
    Plain(Vec<u8>),
    Glob(Vec<Token>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`
    One,
    /// `*`
    Some,
    Class {
        negated: bool,
        ranges: Vec<(u8, u8)>,
    },
}

impl Patterns {
    /// `root` is the absolute path of the saved folder: a pattern that begins with it is meant from there.
    pub(crate) fn new(lines: &[Vec<u8>], root: &[u8]) -> Patterns {
        let list = lines.iter().filter_map(|line| parse(line, root)).collect();
        Patterns { list }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The pattern that leaves out `path`, which is relative to the root.
    pub(crate) fn excluding(&self, path: &[u8], is_folder: bool) -> Option<&[u8]> {
        let name = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
        let found = self.list.iter().rev().find(|pattern| {
            (is_folder || !pattern.folders_only)
                && match pattern.parts.as_slice() {
                    [part] if pattern.anywhere => part.matches(name),
                    parts => {
                        let names: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
                        match_parts(parts, &names)
                    }
                }
        })?;
        (!found.takes_back).then_some(found.line.as_slice())
    }

    /// The pattern that leaves out the root itself: it is its path, or matches the name of a root that is a file. A folder
    /// that was named by hand is not held against patterns for what lies in it (`*` and `!keep`).
    pub(crate) fn excluding_root(&self, root: &[u8], is_folder: bool) -> Option<&[u8]> {
        let name = root.rsplit(|b| *b == b'/').next().unwrap_or(root);
        let found = self.list.iter().rev().find(|pattern| {
            (is_folder || !pattern.folders_only)
                && match pattern.parts.as_slice() {
                    [] => true,
                    [part] => !is_folder && pattern.anywhere && part.matches(name),
                    _ => false,
                }
        })?;
        (!found.takes_back).then_some(found.line.as_slice())
    }
}

fn parse(line: &[u8], root: &[u8]) -> Option<Pattern> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = without_trailing_spaces(line);
    if line.is_empty() || line.starts_with(b"#") {
        return None;
    }
    let (takes_back, rest) = match line.strip_prefix(b"!") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (folders_only, rest) = match rest.strip_suffix(b"/") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let below = (root.len() > 1)
        .then(|| rest.strip_prefix(root))
        .flatten()
        .filter(|below| below.is_empty() || below.starts_with(b"/"));
    let is_root = below.is_some_and(<[u8]>::is_empty) || (root == b"/" && line == b"/");
    let rest = below.unwrap_or(rest);
    let anywhere = !is_root && !rest.contains(&b'/');
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    let mut parts = Vec::new();
    if rest.is_empty() && !is_root {
        // A lone `/` means nothing to git either.
        return None;
    }
    if !is_root {
        for part in rest.split(|b| *b == b'/') {
            parts.push(match part {
                b"**" if !anywhere => Part::AnyFolders,
                _ => parse_part(part)?,
            });
        }
    }
    Some(Pattern {
        line: line.to_vec(),
        takes_back,
        folders_only,
        anywhere,
        parts,
    })
}

/// Spaces at the end do not count unless the last is written `\ `.
fn without_trailing_spaces(line: &[u8]) -> &[u8] {
    let mut end = line.len();
    while end > 0 && line[end - 1] == b' ' {
        let slashes = line[..end - 1]
            .iter()
            .rev()
            .take_while(|b| **b == b'\\')
            .count();
        if slashes % 2 == 1 {
            break;
        }
        end -= 1;
    }
    &line[..end]
}

/// `None`: a pattern that matches nothing (an open `[`, a `\` at the end).
fn parse_part(part: &[u8]) -> Option<Part> {
    if !part.iter().any(|b| b"*?[\\".contains(b)) {
        return Some(Part::Plain(part.to_vec()));
    }
    let mut tokens = Vec::new();
    let mut rest = part;
    while let [first, after @ ..] = rest {
        rest = after;
        tokens.push(match first {
            b'*' if tokens.last() == Some(&Token::Some) => continue,
            b'*' => Token::Some,
            b'?' => Token::One,
            b'[' => {
                let (token, after) = parse_class(rest)?;
                rest = after;
                token
            }
            b'\\' => {
                let (escaped, after) = rest.split_first()?;
                rest = after;
                Token::Byte(*escaped)
            }
            byte => Token::Byte(*byte),
        });
    }
    Some(Part::Glob(tokens))
}

fn parse_class(mut rest: &[u8]) -> Option<(Token, &[u8])> {
    let negated = matches!(rest.first(), Some(b'!' | b'^'));
    if negated {
        rest = &rest[1..];
    }
    let mut ranges = Vec::new();
    let mut first = true;
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        if *byte == b']' && !first {
            return Some((Token::Class { negated, ranges }, rest));
        }
        first = false;
        if *byte == b'['
            && let Some(named) = rest.strip_prefix(b":")
            && let Some(end) = named.windows(2).position(|pair| pair == b":]")
        {
            ranges.extend_from_slice(named_class(&named[..end])?);
            rest = &named[end + 2..];
            continue;
        }
        let (low, after) = literal(*byte, rest)?;
        rest = after;
        match rest {
            [b'-', high, after @ ..] if *high != b']' => {
                let (high, after) = literal(*high, after)?;
                rest = after;
                ranges.push((low, high));
            }
            _ => ranges.push((low, low)),
        }
    }
}

fn literal(byte: u8, rest: &[u8]) -> Option<(u8, &[u8])> {
    match byte {
        b'\\' => rest.split_first().map(|(escaped, rest)| (*escaped, rest)),
        _ => Some((byte, rest)),
    }
}

fn named_class(name: &[u8]) -> Option<&'static [(u8, u8)]> {
    Some(match name {
        b"alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        b"alpha" => &[(b'A', b'Z'), (b'a', b'z')],
        b"blank" => &[(b' ', b' '), (b'\t', b'\t')],
        b"cntrl" => &[(0, 31), (127, 127)],
        b"digit" => &[(b'0', b'9')],
        b"graph" => &[(33, 126)],
        b"lower" => &[(b'a', b'z')],
        b"print" => &[(32, 126)],
        b"punct" => &[(33, 47), (58, 64), (91, 96), (123, 126)],
        b"space" => &[(9, 13), (b' ', b' ')],
        b"upper" => &[(b'A', b'Z')],
        b"xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    })
}

impl Part {
    fn matches(&self, name: &[u8]) -> bool {
        match self {
            Part::AnyFolders => true,
            Part::Plain(plain) => plain == name,
            Part::Glob(tokens) => match_glob(tokens, name),
        }
    }
}

/// Only the latest `*` is ever tried longer, so the work is at most tokens × bytes.
fn match_glob(tokens: &[Token], name: &[u8]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match tokens.get(token) {
            Some(Token::Some) => {
                star = Some((token, at));
                token += 1;
                continue;
            }
            Some(single) if single.takes(name[at]) => {
                token += 1;
                at += 1;
                continue;
            }
            _ => {}
        }
        match star {
            Some((of, from)) => {
                star = Some((of, from + 1));
                token = of + 1;
                at = from + 1;
            }
            None => return false,
        }
    }
    tokens[token..].iter().all(|rest| *rest == Token::Some)
}

impl Token {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Token::Byte(own) => *own == byte,
            Token::One => true,
            Token::Some => false,
            Token::Class { negated, ranges } => {
                ranges
                    .iter()
                    .any(|(low, high)| (*low..=*high).contains(&byte))
                    != *negated
            }
        }
    }
}

/// Like [`match_glob`], with names for bytes and `**` for `*`. At the end `**` stands for one name at least: `a/**` is
/// what lies in `a`, not `a`.
fn match_parts(parts: &[Part], names: &[&[u8]]) -> bool {
    let (mut part, mut at) = (0, 0);
    let mut any: Option<(usize, usize)> = None;
    while at < names.len() {
        match parts.get(part) {
            Some(Part::AnyFolders) if part + 1 == parts.len() => return true,
            Some(Part::AnyFolders) => {
                any = Some((part, at));
                part += 1;
                continue;
            }
            Some(single) if single.matches(names[at]) => {
                part += 1;
                at += 1;
                continue;
            }
            _ => {}
        }
        match any {
            Some((of, from)) => {
                any = Some((of, from + 1));
                part = of + 1;
                at = from + 1;
            }
            None => return false,
        }
    }
    part == parts.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(lines: &[&str], root: &str) -> Patterns {
        let lines: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        Patterns::new(&lines, root.as_bytes())
    }

    const TABLE: [(&[&str], &[&str], &[&str]); 24] = [
        // (lines, excluded, not excluded); a path that ends with `/` is a folder
        (
            &["*.tmp"],
            &["a.tmp", "x/y/b.tmp", "d.tmp/"],
            &["a.tmpx", "tmp"],
        ),
        (&["/a"], &["a", "a/"], &["b/a"]),
        (&["a/b"], &["a/b", "a/b/"], &["x/a/b", "b"]),
        (
            &["cache/"],
            &["cache/", "x/cache/"],
            &["y/cache", "caches/"],
        ),
        (&["**/log"], &["log", "a/log", "a/b/log"], &["a/logs"]),
        (&["log/**"], &["log/a", "log/a/b"], &["log/", "x/log/a"]),
        (
            &["a/**/b"],
            &["a/b", "a/x/b", "a/x/y/b"],
            &["ab", "x/a/b", "a/x/c"],
        ),
        (&["*", "!keep"], &["a", "x/b"], &["keep", "x/keep"]),
        (&["!a", "a"], &["a"], &["b"]),
        (&["# a", "", "b"], &["b"], &["# a", "a"]),
        (&["\\#a", "\\!b"], &["#a", "!b"], &["a", "b"]),
        (&["a  ", "b\\ "], &["a", "b "], &["a  ", "b"]),
        (&["?.x"], &["a.x"], &[".x", "ab.x"]),
        (
            &["[a-c]1", "[!x]2", "[]]3"],
            &["b1", "y2", "]3"],
            &["d1", "x2", "[3"],
        ),
        (&["[[:digit:]][[:alpha:]-]"], &["1a", "2-"], &["a1", "11"]),
        (&["[a"], &[], &["[a", "a"]),
        (&["a\\"], &[], &["a\\", "a"]),
        (&["a**b"], &["ab", "axb", "x/ab"], &["a/b"]),
        (&["**"], &["a", "a/b"], &[]),
        (&["/*/x"], &["a/x"], &["x", "a/b/x"]),
        (&["x/*"], &["x/a"], &["x/", "y/x/a"]),
        (&["*a*b*c*"], &["abc", "1a2b3c4", "aabbcc"], &["acb", "ab"]),
        (&["a\\*"], &["a*"], &["ab"]),
        (&["/"], &[], &["a", "a/"]),
    ];

    #[test]
    fn patterns_mean_what_they_mean_in_gitignore() {
        for (lines, excluded, kept) in TABLE {
            let patterns = patterns(lines, "/srv/share");
            let judge = |path: &&str| {
                let bare = path.strip_suffix('/').unwrap_or(path);
                let verdict = patterns.excluding(bare.as_bytes(), path.ends_with('/'));
                verdict.is_some()
            };
            for path in excluded {
                assert!(judge(path), "{lines:?} excludes {path}");
            }
            for path in kept {
                assert!(!judge(path), "{lines:?} keeps {path}");
            }
        }
    }

    /// git itself is asked about every line of the table.
    #[test]
    fn git_agrees() {
        use std::io::Write;
        use std::process::{Command, Stdio};
        let folder = std::env::temp_dir().join(format!("reprise-exclude-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.arg("-C").arg(&folder).args(arguments);
            git.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", &folder);
            git.stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            git
        };
        let made = git(&["init", "-q"]).status().unwrap();
        let mut wrong = Vec::new();
        for (row, (lines, excluded, kept)) in TABLE.iter().enumerate() {
            // A .gitignore of its own for each row; git knows a folder only when it sees one.
            let own = folder.join(format!("{row}"));
            std::fs::create_dir(&own).unwrap();
            std::fs::write(own.join(".gitignore"), lines.join("\n") + "\n").unwrap();
            let paths: Vec<&str> = excluded.iter().chain(*kept).copied().collect();
            let mut asked = String::new();
            for path in &paths {
                if let Some(path) = path.strip_suffix('/') {
                    std::fs::create_dir_all(own.join(path)).unwrap();
                }
                asked += &format!("{row}/{}\0", path.trim_end_matches('/'));
            }
            let mut check = git(&["check-ignore", "--no-index", "-v", "-n", "-z", "--stdin"])
                .spawn()
                .unwrap();
            let mut input = check.stdin.take().unwrap();
            input.write_all(asked.as_bytes()).unwrap();
            drop(input);
            let output = check.wait_with_output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            // Four fields a path: file, line, pattern, path.
            let fields: Vec<&str> = text.split_terminator('\0').collect();
            assert_eq!(fields.len(), 4 * paths.len(), "{lines:?}");
            let patterns = patterns(lines, "/srv/share");
            for (path, field) in paths.iter().zip(fields.chunks_exact(4)) {
                let theirs = !field[2].is_empty() && !field[2].starts_with('!');
                let bare = path.trim_end_matches('/');
                // git also looks at the folders above, which a walk would not have entered.
                let mut ours = patterns
                    .excluding(bare.as_bytes(), path.ends_with('/'))
                    .is_some();
                for (at, _) in bare.match_indices('/') {
                    ours |= patterns.excluding(&bare.as_bytes()[..at], true).is_some();
                }
                if ours != theirs {
                    wrong.push(format!("{lines:?} {path}: ours {ours}"));
                }
            }
        }
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(made.success());
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn a_path_that_begins_with_the_root_is_meant_from_there() {
        let patterns = patterns(&["/srv/share/tmp", "/srv/share2/x"], "/srv/share");
        assert!(patterns.excluding(b"tmp", true).is_some());
        assert!(patterns.excluding(b"a/tmp", true).is_none());
        assert!(patterns.excluding(b"2/x", false).is_none());
        assert!(patterns.excluding(b"srv/share2/x", false).is_some());
    }

    #[test]
    fn a_root_that_is_excluded_is_noticed() {
        for (line, root, is_folder, want) in [
            ("/srv/share", "/srv/share", true, true),
            ("/srv/share/", "/srv/share", true, true),
            ("share", "/srv/share", true, false),
            ("*", "/srv/share", true, false),
            ("share/", "/srv/share", false, false),
            ("/share", "/srv/share", true, false),
            ("/srv/share/*", "/srv/share", true, false),
            ("*.iso", "/srv/a.iso", false, true),
            ("/", "/", true, true),
            ("/srv", "/", true, false),
        ] {
            let found = patterns(&[line], root);
            let found = found.excluding_root(root.as_bytes(), is_folder);
            assert_eq!(found.is_some(), want, "{line} {root}");
        }
    }

    #[test]
    fn names_are_bytes() {
        let lines = vec![b"a\xff*".to_vec(), b"?".to_vec()];
        let patterns = Patterns::new(&lines, b"/r");
        assert!(patterns.excluding(b"a\xffb", false).is_some());
        assert!(patterns.excluding(b"\xfe", false).is_some());
        assert!(patterns.excluding(b"ab", false).is_none());
    }
}
