//! The shape of the house, checked: who imports whom, where each library may appear, what the
//! documents promise, what every dependency is licensed under, what a merge left behind.
//!
//! Each rule is a function from what it looks at to its violations, and each proves on a fake
//! that it bites.

mod arrows;
mod documents;
mod licences;
mod merges;
mod placement;
mod tree;

/// Fails with every violation at once.
fn none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}
