//! Gradient checkpointing: less memory, the same bits.

use wgrad::nn::{self, Module, Sequential, Visitor};
use wgrad::{Device, Fit, Tensor, Trainer, loss, optim};

use crate::classes;

/// A residual block with dropout, and a normalization at its end that has its own gradient rule.
struct Block {
    up: nn::Linear,
    down: nn::Linear,
    norm: nn::BatchNorm1d,
}

const WIDTH: usize = 16;

impl Block {
    fn new() -> Self {
        Block {
            up: nn::Linear::new(WIDTH, 4 * WIDTH),
            down: nn::Linear::new(4 * WIDTH, WIDTH),
            norm: nn::BatchNorm1d::new(WIDTH),
        }
    }
}

impl Module for Block {
    fn forward(&self, x: &Tensor) -> Tensor {
        let h = self.up.forward(x).gelu().dropout(0.2).tanh();
        self.norm.forward(&(x + self.down.forward(&h)))
    }
    fn visit(&self, v: &mut Visitor) {
        v.child("up", &self.up);
        v.child("down", &self.down);
        v.child("norm", &self.norm);
    }
}

fn model(features: usize, checkpointed: bool) -> Sequential {
    let mut model = Sequential::new().add(nn::Linear::new(features, WIDTH));
    for _ in 0..6 {
        model = match checkpointed {
            true => model.add(nn::Checkpointed::new(Block::new())),
            false => model.add(Block::new()),
        };
    }
    model.add(nn::Linear::new(WIDTH, 3))
}

/// Returns the hash of the weights, and the bytes of the plan's activations.
fn trained(device: &Device, checkpointed: bool) -> (String, u64) {
    let set = classes(150);
    let features = set.sample_shape().last();
    let mut trainer = Trainer::new(model(features, checkpointed))
        .loss(loss::CrossEntropy::new())
        .optimizer(optim::AdamW::new(1e-3))
        .seed(3)
        .compile(device, &set)
        .unwrap();
    trainer.begin(&set, Fit::epochs(3).batch_size(64)).unwrap();
    let bytes = trainer.cost().unwrap().lower_bound;
    trainer.fit(&set, Fit::epochs(3).batch_size(64)).unwrap();
    (trainer.weights_sha256().unwrap(), bytes)
}

on_every_device! {
    fn a_checkpointed_block_gives_the_same_bits_in_less_memory(device) {
        let (plain, plain_bytes) = trained(device, false);
        let (again, fewer_bytes) = trained(device, true);
        assert_eq!(plain, again);
        assert!(
            4 * fewer_bytes < 3 * plain_bytes,
            "{fewer_bytes} bytes, against {plain_bytes} without"
        );
    }
}
