//! The command line of wgrad.
#![allow(dead_code)]
mod config;
mod report;
mod run_folder;
fn main() {}
