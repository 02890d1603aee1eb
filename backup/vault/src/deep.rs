//! Room for deep trees: they are walked by recursion, one stack frame and one open folder per level.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Error;

/// Deepest level that is saved or restored; deeper is a problem.
pub(crate) const LEVELS: usize = 2000;
const STACK_BYTES: usize = 64 * 1024 * 1024;
const HANDLES: u64 = 16_384;

/// Runs `work` on a thread whose stack holds [`LEVELS`] levels (only touched pages cost memory).
pub(crate) fn run<T: Send>(work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    allow_handles();
    std::thread::scope(|scope| {
        let started = std::thread::Builder::new()
            .name("vault".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work);
        let source = |source| Error::Source {
            what: "the tree (no thread could be started)".to_owned(),
            source,
        };
        match started.map_err(source)?.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The usual soft limit of 1024 open files is for programs that use select(2); this one does not.
fn allow_handles() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(HANDLES).min(HANDLES);
    if limit.current.is_some_and(|current| current < wanted) {
        // Refused: very deep trees then end in problems that say so.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(wanted),
                maximum: limit.maximum,
            },
        );
    }
}
