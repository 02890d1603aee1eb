//! A database's dump as a folder that the vault fills.

use super::Database;
use databases::{Dump, Limits, Source, Tools};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use vault::Problem;
use vault::backup::Streams;

/// How to begin a dump; again when the backup begins anew.
pub(crate) struct Opener {
    pub(crate) database: Database,
    /// A private folder.
    pub(crate) scratch: PathBuf,
    pub(crate) cancel: CancellationToken,
}

impl Opener {
    pub(crate) fn open(&self) -> io::Result<Box<dyn Streams>> {
        let engine = databases::Engine::from(self.database.url.kind);
        let cancel = self.cancel.clone();
        let limits = Limits {
            stop: Arc::new(move || cancel.is_cancelled()),
            ..Limits::default()
        };
        let source = Source {
            url: self.database.url.clone(),
            password_file: self.database.password_file.clone(),
            password: self.database.password.clone(),
            scratch: self.scratch.clone(),
            tools: Tools::find(engine).map_err(io::Error::other)?,
        };
        let dump = Dump::begin(source, limits).map_err(io::Error::other)?;
        Ok(Box::new(Filling(dump)))
    }
}

struct Filling(Dump);

impl Streams for Filling {
    fn next_file(&mut self) -> io::Result<Option<(String, Box<dyn Read + '_>)>> {
        let part = self.0.next_part().map_err(io::Error::other)?;
        Ok(part.map(|part| (part.path, part.from)))
    }

    fn problems(&mut self) -> Vec<Problem> {
        let problems = self.0.problems().iter();
        let problem = |p: &databases::Problem| Problem::new(p.object.clone(), p.what.clone());
        problems.map(problem).collect()
    }
}
