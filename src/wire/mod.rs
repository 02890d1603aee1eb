//! Shapes this binary writes for others: `ports.json`, answers of `reprise vault … --json`.

pub(crate) mod key;
pub(crate) mod ports;
pub(crate) mod vault;
