//! Temporary.
#![allow(clippy::unwrap_used)]
use wgrad::data::{Dataset, Targets};
use wgrad::nn::*;
use wgrad::{Device, Fit, Trainer, optim};
fn main() {
    let n = 128;
    let x = vec![0.5; n * 784];
    let labels = (0..n as u32).map(|i| i % 10).collect();
    let set = Dataset::from_arrays(x, [1, 28, 28], Targets::classes(labels, 10)).unwrap();
    let model = Sequential::new()
        .add(Conv2d::new(1, 32, 3))
        .add(Relu)
        .add(Conv2d::new(32, 64, 3))
        .add(Relu)
        .add(MaxPool2d::new(2))
        .add(Flatten)
        .add(Linear::new(9216, 128))
        .add(Relu)
        .add(Linear::new(128, 10));
    let device = match std::env::args().nth(1) {
        Some(_) => Device::gpu(&wgrad::device::Selector::parse("software")).unwrap(),
        None => Device::cpu(),
    };
    let mut trainer = Trainer::new(model)
        .optimizer(optim::Adam::new(1e-3))
        .compile(&device, &set)
        .unwrap();
    trainer.begin(&set, Fit::epochs(1).batch_size(64)).unwrap();
    println!("{}", trainer.summary());
    println!("{}", trainer.plan().unwrap().graph);
    println!("{}", trainer.plan().unwrap());
}
