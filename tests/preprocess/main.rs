//! Preprocessing: the numbers of scikit-learn, and what users rely on.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cells;
mod helpers;
mod sklearn;
mod tables;
