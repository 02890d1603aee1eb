//! Who asks (`client`), for which file (`path`), what it gets now (`policy`), and the files that
//! `reprise boot assets build` made (`asset`). All pure but `asset`.

pub(crate) mod arch;
pub(crate) mod asset;
pub(crate) mod client;
pub(crate) mod gate;
pub(crate) mod path;
pub(crate) mod policy;
