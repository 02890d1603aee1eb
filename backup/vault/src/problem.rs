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
