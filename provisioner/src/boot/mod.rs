//! Who asks (`client`, `arch`), for which file (`path`), which machine that is (`who`, with what was
//! `heard` of it), what it gets now (`policy`, asked through `gate`), in which way it is offered
//! (`negotiator`; what worked: `negotiations`, `records`) and with which `loader`, how often the
//! menu's password may be tried (`attempts`), how long an answer waits for the registry (`patience`), and the files that `reprise boot assets build` made
//! (`asset`), the admin dropped in (`own`), or that are made here (`no_image`). The decisions are pure.

pub(crate) mod arch;
pub(crate) mod asset;
pub(crate) mod attempts;
pub(crate) mod client;
pub(crate) mod explain;
pub(crate) mod gate;
pub(crate) mod heard;
pub(crate) mod loader;
pub(crate) mod negotiations;
pub(crate) mod negotiator;
pub(crate) mod no_image;
pub(crate) mod own;
pub(crate) mod path;
pub(crate) mod patience;
pub(crate) mod policy;
pub(crate) mod records;
pub(crate) mod rule;
pub(crate) mod who;
