//! Prints the graph of a training step, its plan as a table, and its cost.
//!
//!     cargo run --release --example dump_plan

use wgrad::data::{Dataset, Targets};
use wgrad::{Device, Fit, Result, Trainer, nn, optim};

fn main() -> Result<()> {
    // The plan depends on shapes only, not on values.
    let (samples, width) = (64, 10);
    let x = vec![0.5; samples * width];
    let labels = (0..samples as u32).map(|i| i % 3).collect();
    let set = Dataset::from_arrays(x, [width], Targets::classes(labels, 3))?;

    let model = nn::Sequential::new()
        .add(nn::Linear::new(width, 64))
        .add(nn::Relu)
        .add(nn::Dropout::new(0.1))
        .add(nn::Linear::new(64, 3));
    let device = Device::auto()?;
    let mut trainer = Trainer::new(model)
        .optimizer(optim::Adam::new(1e-3))
        .clip_grad_norm(1.0)
        .compile(&device, &set)?;

    // Plans, allocates and compiles, but does not train.
    trainer.begin(&set, Fit::epochs(1).batch_size(32))?;
    println!(
        "{} ({})\n\n{}\n",
        device.name(),
        device.why(),
        trainer.summary()
    );
    if let (Some(plan), Some(cost)) = (trainer.plan(), trainer.cost()) {
        println!("the graph, after the passes:\n{}", plan.graph);
        println!("the plan:\n{plan}");
        println!(
            "{} bytes in all; no plan can do with less than {}",
            cost.bytes, cost.lower_bound
        );
        println!(
            "the largest buffer: {} bytes, the largest binding: {}",
            cost.largest_buffer, cost.largest_binding
        );
        println!(
            "a step: {} dispatches, {:.0} floating-point operations, {} bytes read and written",
            cost.dispatches, cost.flops, cost.traffic
        );
    }
    Ok(())
}
