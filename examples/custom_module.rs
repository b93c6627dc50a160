//! A custom model: a residual block, and a classifier with two of them, on the digits.

use wgrad::nn::{self, Module, Visitor};
use wgrad::{Device, Fit, Result, Tensor, Trainer, data, metrics};

/// `x + down(gelu(up(x)))`.
struct Block {
    up: nn::Linear,
    down: nn::Linear,
}

impl Block {
    fn new(width: usize) -> Self {
        Block {
            up: nn::Linear::new(width, 2 * width),
            down: nn::Linear::new(2 * width, width),
        }
    }
}

impl Module for Block {
    fn forward(&self, x: &Tensor) -> Tensor {
        x + self.down.forward(&self.up.forward(x).gelu())
    }

    fn visit(&self, v: &mut Visitor) {
        v.child("up", &self.up);
        v.child("down", &self.down);
    }
}

fn main() -> Result<()> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let digits = data::csv(format!("{folder}/digits.csv"))?.target("label")?;
    let (train, test) = digits.split(0.8, 1)?;
    let (train, scaler) = train.standardized()?;
    let test = scaler.apply(&test)?;

    let device = Device::auto()?;
    println!("{} ({})", device.name(), device.why());
    let model = nn::Sequential::new()
        .add(nn::Linear::new(64, 48))
        .add(Block::new(48))
        .add(Block::new(48))
        .add(nn::Linear::new(48, 10));
    let mut trainer = Trainer::new(model)
        .metric(metrics::Accuracy)
        .seed(1)
        .compile(&device, &train)?;
    println!("{}", trainer.summary());

    let history = trainer.fit(&train, Fit::epochs(8).batch_size(32).validation_split(0.1))?;
    for epoch in &history.epochs {
        let val = epoch.get("val_accuracy").unwrap_or(f64::NAN);
        println!(
            "epoch {:>2}  loss {:.4}  val_accuracy {val:.4}",
            epoch.epoch, epoch.loss
        );
    }
    let test = trainer.evaluate(&test)?;
    println!("test: {test}");
    Ok(())
}
