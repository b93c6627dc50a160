//! Every optimizer with a rate that changes in each step and with weight decay, compared with f64
//! formulas that are written here; and the masks of dropout, which differ between steps, layers and
//! epochs.

use std::collections::BTreeSet;

use wgrad::data::{Dataset, Targets};
use wgrad::graph::{Init, Meta};
use wgrad::loss::{Loss, Target};
use wgrad::nn::{Module, Parameter, Visitor};
use wgrad::optim::{self, Optimizer, Sgd};
use wgrad::schedule::Schedule;
use wgrad::{Device, Fit, Tensor, Trainer};

/// The sum of all outputs.
struct Sum;

impl Loss for Sum {
    fn target(&self, output: &Meta) -> Result<Target, String> {
        let width = output.shape.iter().skip(1).product();
        Ok(Target::Values { width })
    }
    fn mean(&self, output: &Tensor, _: &Tensor) -> Tensor {
        output.sum(&[])
    }
    fn name(&self) -> &'static str {
        "sum"
    }
}

/// `x * p`: the gradient of the sum with respect to `p` is the sample.
struct Product(Parameter);

impl Module for Product {
    fn forward(&self, x: &Tensor) -> Tensor {
        x * self.0.tensor(x)
    }
    fn visit(&self, v: &mut Visitor) {
        v.parameter("p", &self.0);
    }
}

const N: usize = 3;
const STEPS: usize = 12;
const RATE: f64 = 0.05;
const DECAY: f64 = 0.3;
const START: [f32; N] = [0.5, -1.0, 2.0];

/// Returns the gradient of each step.
fn gradients() -> Vec<[f32; N]> {
    let mut random = wgrad::random::Stream::new(8);
    (0..STEPS)
        .map(|_| [0; N].map(|_| random.normal()))
        .collect()
}

/// Returns the factor of the rate of a step, counted from 0: it rises and falls.
fn factor(step: u64) -> f64 {
    [1.0, 0.25, 2.0, 0.5, 1.5][step as usize % 5]
}

fn trained(device: &Device, optimizer: impl Optimizer + 'static) -> Vec<f32> {
    let x = gradients().concat();
    let targets = Targets::Values {
        values: vec![0.0; N * STEPS],
        width: N,
    };
    let set = Dataset::from_arrays(x, [N], targets).unwrap();
    let start = Init::Values(std::sync::Arc::new(START.to_vec()));
    let mut trainer = Trainer::new(Product(Parameter::new([N], start)))
        .loss(Sum)
        .optimizer(optimizer)
        .schedule(Schedule::lambda(factor).by_step())
        .compile(device, &set)
        .unwrap();
    trainer
        .fit(&set, Fit::epochs(1).batch_size(1).shuffle(false))
        .unwrap();
    trainer.weights("p").unwrap()
}

/// Applies an update formula to each element: parameter, state, gradient, step from 1, rate.
#[track_caller]
fn check(
    device: &Device,
    name: &str,
    optimizer: impl Optimizer + 'static,
    memory: [f64; 4],
    step: impl Fn(&mut f64, &mut [f64; 4], f64, i32, f64),
) {
    let got = trained(device, optimizer);
    for i in 0..N {
        let (mut p, mut m) = (f64::from(START[i]), memory);
        for (t, g) in gradients().iter().enumerate() {
            step(
                &mut p,
                &mut m,
                f64::from(g[i]),
                t as i32 + 1,
                RATE * factor(t as u64),
            );
        }
        let error = (f64::from(got[i]) - p).abs() / (1.0 + p.abs());
        assert!(
            error < 5e-6,
            "{name}: element {i} is {} instead of {p}",
            got[i]
        );
    }
}

fn moments(m: &mut [f64; 4], g: f64, (b1, b2): (f64, f64)) {
    m[0] = b1 * m[0] + (1.0 - b1) * g;
    m[1] = b2 * m[1] + (1.0 - b2) * g * g;
}

const B: (f64, f64) = (0.9, 0.999);
const EPS: f64 = 1e-3;

on_every_device! {
    fn elementwise_optimizers_follow_the_schedule(device) {
        let sgd = |nesterov: bool, momentum: f64| move |p: &mut f64, m: &mut [f64; 4], g: f64, t: i32, lr: f64| {
            let g = g + DECAY * *p;
            // PyTorch's buffer starts with the first gradient, which is the same as starting from
            // 0.
            m[0] = if t == 1 { g } else { momentum * m[0] + g };
            *p -= lr * if nesterov { g + momentum * m[0] } else { m[0] };
        };
        check(device, "sgd", Sgd::new(RATE).weight_decay(DECAY), [0.0; 4], sgd(false, 0.0));
        check(device, "momentum", Sgd::new(RATE).momentum(0.9).weight_decay(DECAY), [0.0; 4], sgd(false, 0.9));
        check(device, "nesterov", Sgd::new(RATE).nesterov(0.8).weight_decay(DECAY), [0.0; 4], sgd(true, 0.8));

        let adam = |decoupled: bool, amsgrad: bool| move |p: &mut f64, m: &mut [f64; 4], g: f64, t: i32, lr: f64| {
            let g = if decoupled { g } else { g + DECAY * *p };
            if decoupled {
                *p -= lr * DECAY * *p;
            }
            moments(m, g, B);
            m[2] = if amsgrad { m[2].max(m[1]) } else { m[1] };
            let (first, second) = (m[0] / (1.0 - B.0.powi(t)), m[2] / (1.0 - B.1.powi(t)));
            *p -= lr * first / (second.sqrt() + EPS);
        };
        check(device, "adam", optim::Adam::new(RATE).eps(EPS).weight_decay(DECAY), [0.0; 4], adam(false, false));
        check(device, "adamw", optim::AdamW::new(RATE).eps(EPS).weight_decay(DECAY), [0.0; 4], adam(true, false));
        let amsgrad = optim::AdamW::new(RATE).eps(EPS).weight_decay(DECAY).amsgrad(true);
        check(device, "amsgrad", amsgrad, [0.0; 4], adam(true, true));

        let adamax = optim::Adamax::new(RATE).eps(EPS).weight_decay(DECAY);
        check(device, "adamax", adamax, [0.0; 4], |p, m, g, t, lr| {
            let g = g + DECAY * *p;
            m[0] = B.0 * m[0] + (1.0 - B.0) * g;
            m[1] = (B.1 * m[1]).max(g.abs() + EPS);
            *p -= lr / (1.0 - B.0.powi(t)) * m[0] / m[1];
        });
        let adagrad = optim::Adagrad::new(RATE).lr_decay(0.1).eps(EPS).weight_decay(DECAY).initial_accumulator_value(0.2);
        check(device, "adagrad", adagrad, [0.2; 4], |p, m, g, t, lr| {
            let g = g + DECAY * *p;
            m[0] += g * g;
            *p -= lr / (1.0 + (f64::from(t) - 1.0) * 0.1) * g / (m[0].sqrt() + EPS);
        });
        let adadelta = optim::Adadelta::new(RATE).rho(0.8).eps(EPS).weight_decay(DECAY);
        check(device, "adadelta", adadelta, [0.0; 4], |p, m, g, _, lr| {
            let g = g + DECAY * *p;
            m[0] = 0.8 * m[0] + 0.2 * g * g;
            let step = (m[1] + EPS).sqrt() / (m[0] + EPS).sqrt() * g;
            m[1] = 0.8 * m[1] + 0.2 * step * step;
            *p -= lr * step;
        });
        let rmsprop = |centered: bool| {
            optim::RmsProp::new(RATE).alpha(0.9).eps(EPS).weight_decay(DECAY).momentum(0.5).centered(centered)
        };
        for centered in [false, true] {
            check(device, "rmsprop", rmsprop(centered), [0.0; 4], move |p, m, g, _, lr| {
                let g = g + DECAY * *p;
                m[0] = 0.9 * m[0] + 0.1 * g * g;
                m[1] = 0.9 * m[1] + 0.1 * g;
                let spread = if centered { m[0] - m[1] * m[1] } else { m[0] };
                m[2] = 0.5 * m[2] + g / (spread.sqrt() + EPS);
                *p -= lr * m[2];
            });
        }
        let lion = optim::Lion::new(RATE).betas(0.9, 0.99).weight_decay(DECAY);
        check(device, "lion", lion, [0.0; 4], |p, m, g, _, lr| {
            let direction = 0.9 * m[0] + 0.1 * g;
            *p -= lr * DECAY * *p;
            *p -= lr * direction.signum();
            m[0] = 0.99 * m[0] + 0.01 * g;
        });
        let nadam = |decoupled: bool| optim::NAdam::new(RATE).eps(EPS).weight_decay(DECAY).decoupled(decoupled);
        for decoupled in [false, true] {
            // The third state is the product of all momenta so far.
            check(device, "nadam", nadam(decoupled), [0.0, 0.0, 1.0, 0.0], move |p, m, g, t, lr| {
                let g = if decoupled { g } else { g + DECAY * *p };
                if decoupled {
                    *p -= lr * DECAY * *p;
                }
                let momentum = |t: i32| B.0 * (1.0 - 0.5 * 0.96f64.powf(f64::from(t) * 4e-3));
                let (mu, next) = (momentum(t), momentum(t + 1));
                m[2] *= mu;
                moments(m, g, B);
                let root = (m[1] / (1.0 - B.1.powi(t))).sqrt() + EPS;
                *p -= lr * (1.0 - mu) / (1.0 - m[2]) * g / root;
                *p -= lr * next / (1.0 - m[2] * next) * m[0] / root;
            });
        }
        let radam = |decoupled: bool| optim::RAdam::new(RATE).eps(EPS).weight_decay(DECAY).decoupled(decoupled);
        for decoupled in [false, true] {
            check(device, "radam", radam(decoupled), [0.0; 4], move |p, m, g, t, lr| {
                let g = if decoupled { g } else { g + DECAY * *p };
                if decoupled {
                    *p -= lr * DECAY * *p;
                }
                moments(m, g, B);
                let first = m[0] / (1.0 - B.0.powi(t));
                let most = 2.0 / (1.0 - B.1) - 1.0;
                let length = most - 2.0 * f64::from(t) * B.1.powi(t) / (1.0 - B.1.powi(t));
                *p -= lr * first * match length > 5.0 {
                    true => {
                        let up = (length - 4.0) * (length - 2.0) * most;
                        let rectified = (up / ((most - 4.0) * (most - 2.0) * length)).sqrt();
                        rectified * (1.0 - B.1.powi(t)).sqrt() / (m[1].sqrt() + EPS)
                    }
                    false => 1.0,
                };
            });
        }
    }

    fn lamb_follows_the_schedule(device) {
        let got = trained(device, optim::Lamb::new(RATE).eps(EPS).weight_decay(DECAY));
        let mut p = START.map(f64::from);
        let mut m = [[0.0; 4]; N];
        for (t, g) in gradients().iter().enumerate() {
            let t1 = t as i32 + 1;
            let mut step = [0.0; N];
            for i in 0..N {
                moments(&mut m[i], f64::from(g[i]), B);
                let (first, second) = (m[i][0] / (1.0 - B.0.powi(t1)), m[i][1] / (1.0 - B.1.powi(t1)));
                step[i] = first / (second.sqrt() + EPS) + DECAY * p[i];
            }
            let norm = |x: &[f64; N]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
            let trust = norm(&p) / norm(&step);
            for i in 0..N {
                p[i] -= RATE * factor(t as u64) * trust * step[i];
            }
        }
        for (got, want) in got.iter().zip(p) {
            assert!((f64::from(*got) - want).abs() < 5e-6 * (1.0 + want.abs()), "{got} instead of {want}");
        }
    }

    fn masks_of_dropout_are_never_the_same(device) {
        let masks = dropped(device);
        assert_eq!(masks.len(), 2 * 6);
        for mask in &masks {
            let kept = mask.iter().filter(|m| **m == 2.0).count();
            // Five standard deviations of 256 coin flips.
            assert!((88..=168).contains(&kept), "{kept} of 256 are kept");
            assert!(mask.iter().all(|m| *m == 0.0 || *m == 2.0));
        }
        let different: BTreeSet<Vec<u32>> = masks.iter().map(|m| m.iter().map(|v| v.to_bits()).collect()).collect();
        assert_eq!(different.len(), masks.len(), "two layers, steps or epochs have one mask");
        // The same bits on every device.
        assert_eq!(masks, dropped(&Device::cpu()));
    }
}

/// Two dropout layers, each after a parameter, whose gradients are the masks.
struct TwoMasks([Parameter; 2]);

impl Module for TwoMasks {
    fn forward(&self, x: &Tensor) -> Tensor {
        let [a, b] = self.0.each_ref().map(|p| (x * p.tensor(x)).dropout(0.5));
        a + b
    }
    fn visit(&self, v: &mut Visitor) {
        for (name, p) in ["a", "b"].iter().zip(&self.0) {
            v.parameter(name, p);
        }
    }
}

/// Returns the masks of both layers in three steps of each of two epochs.
fn dropped(device: &Device) -> Vec<Vec<f32>> {
    const WIDTH: usize = 256;
    let targets = Targets::Values {
        values: vec![0.0; 3 * WIDTH],
        width: WIDTH,
    };
    let set = Dataset::from_arrays(vec![1.0; 3 * WIDTH], [WIDTH], targets).unwrap();
    let zero = || Parameter::new([WIDTH], Init::Constant(0.0));
    let mut trainer = Trainer::new(TwoMasks([zero(), zero()]))
        .loss(Sum)
        .optimizer(Sgd::new(1.0))
        .compile(device, &set)
        .unwrap();
    trainer.begin(&set, Fit::epochs(2).batch_size(1)).unwrap();
    let mut masks = Vec::new();
    let mut before = [vec![0.0; WIDTH], vec![0.0; WIDTH]];
    loop {
        let steps = trainer.steps();
        if let wgrad::train::Tick::Done(_) = trainer.step().unwrap() {
            return masks;
        }
        if trainer.steps() == steps {
            continue;
        }
        for (name, before) in ["a", "b"].iter().zip(&mut before) {
            let now = trainer.weights(name).unwrap();
            masks.push(before.iter().zip(&now).map(|(b, n)| b - n).collect());
            *before = now;
        }
    }
}
