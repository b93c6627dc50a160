//! Logistic regression by gradient descent on the mean squared error, compared with a gradient that is derived
//! by hand.
//!
//!     cargo run --release --example logistic
//!
//! The model is `y_hat = sigmoid(X theta)`, the loss `J = 1/m sum (y_hat - y)^2`, the learning rate 0.01,
//! multiplied by 0.9 after each epoch.
//!
//! The chain rule goes through the sigmoid, whose derivative is `y_hat (1 - y_hat)`:
//!
//! ```text
//! dJ/dtheta = 2/m X^T ((y_hat - y) y_hat (1 - y_hat))
//! ```
//!
//! `2/m X^T (y_hat - y)` lacks that factor: it is the gradient of linear regression. (Without the 2, it is the
//! gradient of logistic regression with the cross-entropy, where the factor cancels.) The program computes
//! both; wgrad agrees with the first.

use wgrad::data::Dataset;
use wgrad::engine::graph::Init;
use wgrad::nn::{Module, Parameter, Visitor};
use wgrad::schedule::Schedule;
use wgrad::{Device, Error, Fit, Result, Tensor, Trainer, data, loss, metrics, optim};

const ALPHA: f64 = 0.01;
const GAMMA: f64 = 0.9;

/// `sigmoid(X theta)`; `theta` is a row, as in a linear layer.
struct Logistic {
    theta: Parameter,
}

impl Module for Logistic {
    fn forward(&self, x: &Tensor) -> Tensor {
        x.matmul_t(&self.theta.tensor(x)).sigmoid()
    }

    fn visit(&self, v: &mut Visitor) {
        v.parameter("theta", &self.theta);
    }
}

fn main() -> Result<()> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let tumours = data::csv(format!("{folder}/breast_cancer.csv"))?.target("diagnosis")?;
    let (train, test) = tumours.split(0.8, 1)?;
    let (train, scaler) = train.standardized()?;
    let test = scaler.apply(&test)?;

    let device = Device::auto()?;
    println!("{} ({})", device.name(), device.why());
    let n = train.sample_shape().len();
    let trainer = || {
        let theta = Parameter::new([1, n], Init::Constant(0.01));
        Trainer::new(Logistic { theta })
            .loss(loss::Mse::new())
            .metric(metrics::Accuracy)
            .optimizer(optim::Sgd::new(ALPHA))
            .schedule(Schedule::exponential(GAMMA))
            .compile(&device, &train)
    };

    // One step on all samples changes theta by alpha times the gradient.
    let mut one = trainer()?;
    one.fit(&train, Fit::epochs(1).batch_size(train.len()))?;
    let moved: Vec<f64> = one
        .weights("theta")?
        .iter()
        .map(|t| (0.01 - f64::from(*t)) / ALPHA)
        .collect();
    let right = gradient(&train, 0.01, |y_hat| y_hat * (1.0 - y_hat));
    let wrong = gradient(&train, 0.01, |_| 1.0);
    println!("\nthe gradient's first elements");
    println!("  wgrad                      {:?}", first(&moved));
    println!("  with y_hat (1 - y_hat)     {:?}", first(&right));
    println!("  without that factor        {:?}", first(&wrong));
    let off = |by: &[f64]| {
        let each = moved.iter().zip(by).map(|(a, b)| (a - b).abs());
        each.fold(0.0, f64::max)
    };
    println!(
        "  off by at most {:.1e} and {:.1e}",
        off(&right),
        off(&wrong)
    );
    if !(off(&right) < 1e-4 && off(&wrong) > 1e-2) {
        return Err(Error::Stopped {
            reason: "the gradient is not the one worked out by hand".to_string(),
        });
    }

    let mut trainer = trainer()?;
    let history = trainer.fit(&train, Fit::epochs(30).batch_size(10))?;
    println!("\nepoch   rate       loss     accuracy");
    for epoch in history.epochs.iter().step_by(5) {
        let accuracy = epoch.get("accuracy").unwrap_or(f64::NAN);
        let (number, rate, loss) = (epoch.epoch, epoch.lr, epoch.loss);
        println!("{number:>5}   {rate:.6}   {loss:.4}   {accuracy:.4}");
    }
    println!("\ntest: {}", trainer.evaluate(&test)?);
    Ok(())
}

/// `2/m X^T ((y_hat - y) factor(y_hat))` in f64, with every element of theta the same.
fn gradient(set: &Dataset, theta: f64, factor: fn(f64) -> f64) -> Vec<f64> {
    let m = set.len() as f64;
    let mut gradient = vec![0.0; set.sample_shape().len()];
    for i in 0..set.len() {
        let (Some(x), Some(y)) = (set.row(i), set.label(i)) else {
            continue;
        };
        let z: f64 = x.iter().map(|x| f64::from(*x) * theta).sum();
        let y_hat = 1.0 / (1.0 + (-z).exp());
        let d = 2.0 / m * (y_hat - f64::from(y)) * factor(y_hat);
        for (g, x) in gradient.iter_mut().zip(x.iter()) {
            *g += d * f64::from(*x);
        }
    }
    gradient
}

fn first(values: &[f64]) -> Vec<f64> {
    let rounded = values.iter().take(4).map(|v| (v * 1e5).round() / 1e5);
    rounded.collect()
}
