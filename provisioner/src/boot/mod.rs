//! Who asks (`client`, `arch`), for which file (`path`), what it gets now (`policy`), in which way it
//! is offered (`negotiator`; what worked: `negotiations`, `records`), and the files that
//! `reprise boot assets build` made (`asset`). All pure but `asset` and what is kept.

pub(crate) mod arch;
pub(crate) mod asset;
pub(crate) mod client;
pub(crate) mod gate;
pub(crate) mod negotiations;
pub(crate) mod negotiator;
pub(crate) mod path;
pub(crate) mod policy;
mod records;
