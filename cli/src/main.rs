//! The command line of wgrad.
#![allow(dead_code)]
mod config;
fn main() {}
