//! One database to save or to count, and how it is reached.

use crate::{Engine, Tools};
use config::{DatabaseKind, DatabaseUrl};
use std::path::PathBuf;

/// No `Debug`: it may hold a password.
#[derive(Clone)]
pub struct Source {
    pub url: DatabaseUrl,
    /// Its first line is the password.
    pub password_file: Option<PathBuf>,
    /// As an application's own configuration says it; `password_file` goes before it.
    pub password: Option<String>,
    /// A folder of this program alone, where a login lies for as long as a client needs to read it.
    pub scratch: PathBuf,
    pub tools: Tools,
}

impl Source {
    pub fn engine(&self) -> Engine {
        Engine::from(self.url.kind)
    }
}

impl From<DatabaseKind> for Engine {
    fn from(kind: DatabaseKind) -> Engine {
        match kind {
            DatabaseKind::MariaDb => Engine::MariaDb,
            DatabaseKind::PostgreSql => Engine::PostgreSql,
        }
    }
}
