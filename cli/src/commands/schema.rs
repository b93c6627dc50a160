//! `wgrad schema`: the JSON Schema of a configuration.

use crate::failure::Failure;
use crate::output::Output;

/// Prints it.
pub fn run(output: &mut Output) -> Result<(), Failure> {
    let schema = serde_json::to_string_pretty(&wgrad::spec::schema());
    let schema = schema.map_err(|e| Failure::Found(format!("the schema is no JSON: {e}")))?;
    output.print(&schema);
    Ok(())
}
