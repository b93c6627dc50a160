//! A stable text form of a graph, with one line per node, for debugging, tests and bug reports.

use std::fmt;

use super::Graph;

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, node) in self.nodes().iter().enumerate() {
            let inputs: Vec<String> = node.inputs.iter().map(|id| format!("%{}", id.0)).collect();
            write!(f, "%{i} = {:?}({})", node.op, inputs.join(", "))?;
            writeln!(f, " : {}{}", node.meta.dtype, node.meta.shape)?;
        }
        for output in &self.outputs {
            writeln!(f, "output {} = %{}", output.name, output.node.0)?;
        }
        for assign in &self.assigns {
            let name = self
                .variables
                .get(assign.variable.index())
                .map_or("?", |v| v.name.as_str());
            writeln!(f, "assign {name} = %{}", assign.node.0)?;
        }
        Ok(())
    }
}
