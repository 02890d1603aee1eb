//! The agent's API
