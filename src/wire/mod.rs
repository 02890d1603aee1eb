//! Shapes this binary writes for others: `ports.json`.

pub(crate) mod ports;
