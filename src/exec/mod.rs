//! Executors: what runs a plan.
//!
//! [`reference`] interprets the graph in f64, node by node; [`cpu`] and [`gpu`] run plans.

pub mod reference;
