//! x
use wgrad::data::{Dataset, Targets};
use wgrad::{Device, Result, Trainer, loss, nn, optim};
fn main() -> Result<()> {
    let b: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let samples = 8 * b;
    let x = vec![0.5; samples * 10];
    let labels = (0..samples as u32)
        .map(|i| (i % 2) as f32)
        .collect::<Vec<_>>();
    let set = Dataset::from_arrays(x, [10], Targets::values(labels))?;
    let model = nn::Sequential::new()
        .add(nn::Linear::new(10, 64))
        .add(nn::Relu)
        .add(nn::Linear::new(64, 64))
        .add(nn::Relu)
        .add(nn::Linear::new(64, 1))
        .add(nn::Sigmoid);
    let device = Device::gpu(&wgrad::exec::gpu::Selector::SoftwareAllowed)?;
    let mut trainer = Trainer::new(model)
        .loss(loss::Bce::new())
        .optimizer(optim::Adam::new(1e-3))
        .compile(&device, &set)?;
    let p = trainer.profile(&set, wgrad::train::Profiling::runs(200).batch_size(b))?;
    println!("{p}");
    Ok(())
}
