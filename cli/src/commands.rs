//! The subcommands, one file each: `run(arguments, output)`.

pub mod data;
pub mod devices;
pub mod doctor;
pub mod evaluate;
pub mod explain;
pub mod generate;
pub mod new;
pub mod predict;
pub mod profile;
pub mod runs;
pub mod schema;
pub mod train;
