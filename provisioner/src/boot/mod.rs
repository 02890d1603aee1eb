//! Who asks (`client`, `arch`), for which file (`path`), which machine that is (`who`, with what was
//! `heard` of it), what it gets now (`policy`, asked through `gate`), in which way it is offered
//! (`negotiator`; what worked: `negotiations`, `records`), and the files that `reprise boot assets
//! build` made (`asset`). The decisions are pure.

pub(crate) mod arch;
pub(crate) mod asset;
pub(crate) mod client;
pub(crate) mod explain;
pub(crate) mod gate;
pub(crate) mod heard;
pub(crate) mod negotiations;
pub(crate) mod negotiator;
pub(crate) mod path;
pub(crate) mod policy;
mod records;
pub(crate) mod rule;
pub(crate) mod who;
