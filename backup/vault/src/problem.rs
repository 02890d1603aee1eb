//! A part that went wrong while the rest went on.

use std::fmt;

/// One object (a path, or an object of the vault) and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub object: String,
    pub what: String,
}

impl Problem {
    pub fn new(object: impl Into<String>, what: impl Into<String>) -> Problem {
        Problem {
            object: object.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.what)
    }
}

/// A path for people: control characters and bytes that are not UTF-8 are escaped, so that a name cannot forge a line.
pub(crate) fn show(path: &[u8]) -> String {
    String::from_utf8_lossy(path)
        .chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_shown_to_people_cannot_forge_a_line() {
        assert_eq!(show(b"/a\n/b\x1b[31m"), "/a\\n/b\\u{1b}[31m");
        assert_eq!(show("/é".as_bytes()), "/é");
    }
}
