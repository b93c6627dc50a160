//! `wgrad schema`: prints the JSON Schema of configuration files.

use crate::failure::Failure;
use crate::output::Output;

/// Prints the JSON Schema.
pub fn run(output: &mut Output) -> Result<(), Failure> {
    let schema = serde_json::to_string_pretty(&wgrad::spec::schema());
    let schema =
        schema.map_err(|e| Failure::Found(format!("cannot write the schema as JSON: {e}")))?;
    output.print(&schema);
    Ok(())
}
