//! `matmul`: the f32 product of two square matrices of normal numbers, inputs and result on the device.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use wgrad::exec::Program;
use wgrad::graph::{Graph, Init, Meta, Mode, Output, Role, Variable, VariableId};
use wgrad::plan::{Layout, plan};
use wgrad::random::Stream;
use wgrad::{DType, Device, Result, Source, ops};

use crate::report::Report;

pub fn matmul(device: &Device, report: &Report) -> Result<()> {
    for n in [256usize, 512, 1024, 2048] {
        square(device, n, report)?;
    }
    report.memory("matmul");
    Ok(())
}

fn square(device: &Device, n: usize, report: &Report) -> Result<()> {
    let variable = |name: &str| Variable {
        name: name.to_string(),
        meta: Meta::new([n, n], DType::F32),
        role: Role::Data,
        init: Init::Unset,
        source: Source::caller(),
    };
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Eval)));
    graph.borrow_mut().variables = vec![variable("a"), variable("b")];
    let a = ops::variable(&graph, VariableId::new(0));
    let b = ops::variable(&graph, VariableId::new(1));
    let y = a.matmul(&b);
    let mut graph = graph.replace(Graph::new(Mode::Eval));
    graph.outputs.extend(y.id().map(|node| Output {
        name: "y".to_string(),
        node,
    }));
    let layout = Layout::new(&graph.variables);
    let plan = plan(&graph, &layout, &device.kernel_limits())?;
    let program = Program {
        layout: Arc::new(layout),
        plans: vec![Arc::new(plan)],
    };
    let mut executor = device.executor(program)?;
    let mut random = Stream::new(n as u64);
    for index in 0..2 {
        let words: Vec<u32> = (0..n * n).map(|_| random.normal().to_bits()).collect();
        executor.write_variable(index, &words)?;
    }
    let mut once = |times: u64| -> Result<f64> {
        let start = Instant::now();
        for _ in 0..times {
            executor.run(0, &[])?;
        }
        executor.results(true)?;
        Ok(start.elapsed().as_secs_f64() / times as f64)
    };
    let workload = format!("matmul_{n}");
    report.emit(&workload, "first_call_ms", &[once(1)? * 1e3], None);
    let flops = 2.0 * (n as f64).powi(3);
    let second = once(2)?;
    let times = (0.1 / second).clamp(1.0, 200.0) as u64;
    let mut rates = Vec::new();
    for _ in 0..9 {
        rates.push(flops / once(times)? / 1e9);
    }
    report.emit(&workload, "gflops", &rates, None);
    Ok(())
}
