//! Expressions with known values: norms of very large and very small elements, attention to a
//! single key, clipping, concatenation of many tensors, and the results of `eval`.

use wgrad::data::{Dataset, Targets};
use wgrad::graph::{Init, Meta};
use wgrad::loss::{Loss, Target};
use wgrad::nn::{Module, Parameter, Visitor};
use wgrad::ops::AttentionOptions;
use wgrad::optim::Sgd;
use wgrad::{Device, Error, Fit, Tensor, Trainer, eval};

use crate::near;

/// `x * w`, whose sum has the gradient `x`.
struct Scaled(Parameter);

impl Module for Scaled {
    fn forward(&self, x: &Tensor) -> Tensor {
        x * self.0.tensor(x)
    }
    fn visit(&self, v: &mut Visitor) {
        v.parameter("w", &self.0);
    }
}

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

/// Returns the change of zeros by a step of SGD with a rate of 1 and gradients clipped to a norm of
/// 1.
fn clipped(device: &Device, gradient: &[f32]) -> Vec<f32> {
    let n = gradient.len();
    let targets = Targets::Values {
        values: vec![0.0; n],
        width: n,
    };
    let set = Dataset::from_arrays(gradient.to_vec(), [n], targets).unwrap();
    let w = Parameter::new([n], Init::Constant(0.0));
    let mut trainer = Trainer::new(Scaled(w))
        .loss(Sum)
        .optimizer(Sgd::new(1.0))
        .clip_grad_norm(1.0)
        .gradient_norm()
        .compile(device, &set)
        .unwrap();
    trainer.fit(&set, Fit::epochs(1)).unwrap();
    let want = gradient
        .iter()
        .map(|g| f64::from(*g).powi(2))
        .sum::<f64>()
        .sqrt();
    let norm = trainer.last_batch().unwrap().gradient_norm.unwrap();
    assert!((norm / want - 1.0).abs() < 1e-6, "{norm} instead of {want}");
    trainer.weights("w").unwrap().iter().map(|w| -w).collect()
}

on_every_device! {
    fn gradients_whose_squares_overflow_are_clipped(device) {
        let step = clipped(device, &[3e19, 1.5e19]);
        near(f64::from(step[0]), 2.0 / 5f64.sqrt(), 1e-6);
        near(f64::from(step[1]), 1.0 / 5f64.sqrt(), 1e-6);
        let step = clipped(device, &[1e37, -1e37, 0.0, 1e37]);
        for (got, want) in step.iter().zip([1.0, -1.0, 0.0, 1.0]) {
            near(f64::from(*got), want / 3f64.sqrt(), 1e-6);
        }
        // For ordinary gradients, the formula is PyTorch's.
        let step = clipped(device, &[3.0, -4.0]);
        near(f64::from(step[0]), 3.0 / (5.0 + 1e-6), 1e-6);
        assert_eq!(clipped(device, &[0.25, 0.5]), [0.25, 0.5]);
    }

    fn norms_of_very_large_and_very_small_elements(device) {
        for p in [2.0, 3.0, 1.5] {
            for size in [1e25f32, 1e-25, 1.0, 3e-3, 7e18, 1e37, 2e-37] {
                let ((y, row), dx) = eval(device, |g| {
                    let x = g.tensor([2, 2], [size, -size, size, size]);
                    let y = x.norm(&[], p);
                    let dx = g.gradients(&y, &[&x]);
                    ((y, x.norm(&[1], p)), dx)
                }).unwrap();
                let (n, size) = (4f64, f64::from(size));
                // A power is less accurate on a GPU.
                let tolerance = if p == 2.0 { 1e-6 } else { 1e-5 };
                let ratio = |got: f64, want: f64| near(got / want, 1.0, tolerance);
                ratio(y.data[0], n.powf(1.0 / p) * size);
                row.data.iter().for_each(|r| ratio(*r, 2f64.powf(1.0 / p) * size));
                for (i, d) in dx[0].data.iter().enumerate() {
                    let sign = if i == 1 { -1.0 } else { 1.0 };
                    near(*d, sign * n.powf(1.0 / p - 1.0), tolerance);
                }
            }
            let (y, dx) = eval(device, |g| {
                let x = g.tensor([3], [0.0; 3]);
                let y = x.norm(&[], p);
                let dx = g.gradients(&y, &[&x]);
                (y, dx)
            }).unwrap();
            assert_eq!((y.data, dx[0].data.clone()), (vec![0.0], vec![0.0; 3]));
        }
    }

    fn attention_to_one_key_hands_its_gradient_on_to_the_bit(device) {
        // A single weight of 1, whatever the score: dv is dy.
        for size in [1.0f32, 10.0, 100.0] {
            for features in [4, 12, 40] {
                let mut random = wgrad::random::Stream::new(3);
                let mut draw = |n: usize, by: f32| -> Vec<f32> { (0..n).map(|_| by * random.normal()).collect() };
                let (q, k) = (draw(3 * features, size), draw(3 * features, size));
                let (v, dy) = (draw(3 * features, 1.0), draw(3 * features, 1.0));
                let dv = eval(device, |g| {
                    let [q, k, v, dy] = [q, k, v, dy.clone()].map(|x| g.tensor([3, 1, 1, features], x));
                    let y = q.attention(&k, &v, &AttentionOptions::default());
                    g.gradients(&(y * dy).sum(&[]), &[&v]).remove(0)
                }).unwrap();
                let got: Vec<f32> = dv.data.iter().map(|d| *d as f32).collect();
                assert_eq!(got, dy, "{features} features of size {size}");
            }
        }
    }

    fn any_number_of_tensors_is_joined(device) {
        for n in [1usize, 31, 32, 33, 64, 65, 1025] {
            let (y, dx) = eval(device, |g| {
                let x: Vec<Tensor> = (0..n).map(|i| g.tensor([1, 2], [i as f32, -(i as f32)])).collect();
                let all: Vec<&Tensor> = x.iter().collect();
                let y = Tensor::concat(&all, 0);
                let last = x.last().unwrap();
                let dx = g.gradients(&y.square().sum(&[]), &[last]);
                (y, dx)
            }).unwrap();
            let want: Vec<f64> = (0..n).flat_map(|i| [i as f64, -(i as f64)]).collect();
            assert_eq!((y.shape.dims(), &y.data), (&[n, 2][..], &want), "{n}");
            let last = 2.0 * (n as f64 - 1.0);
            assert_eq!(dx[0].data, [last, -last], "{n}");
        }
    }

    fn the_mean_of_nothing_is_nan(device) {
        let (all, rows) = eval(device, |g| {
            let x = g.tensor([2, 0], []);
            (x.mean(&[]), x.mean(&[1]))
        }).unwrap();
        assert!(all.data[0].is_nan() && rows.data.len() == 2 && rows.data.iter().all(|m| m.is_nan()));
    }

    fn expressions_give_numbers_gradients_and_mistakes(device) {
        let ((y, class), (dx, unused)) = eval(device, |g| {
            let x = g.tensor([2, 3], [1.0, 2.0, 3.0, 6.0, 5.0, 4.0]);
            let rows = g.indices([2], [1, 0]);
            let other = g.tensor([2], [7.0, 8.0]);
            let y = x.gather(&rows);
            let mut d = g.gradients(&(&y * &y).sum(&[]), &[&x, &other]);
            let unused = d.pop().unwrap();
            ((y, x.argmax()), (d, unused))
        }).unwrap();
        assert_eq!(y.data, [6.0, 5.0, 4.0, 1.0, 2.0, 3.0]);
        assert_eq!((class.shape.dims(), class.data), (&[2][..], vec![2.0, 0.0]));
        assert_eq!(dx[0].data, [2.0, 4.0, 6.0, 12.0, 10.0, 8.0]);
        assert_eq!(unused.data, [0.0, 0.0]);
        // An input may be an output.
        assert_eq!(eval(device, |g| g.tensor([2], [3.0, 4.0])).unwrap().data, [3.0, 4.0]);

        let line = line!() + 1;
        let error = eval(device, |g| g.tensor([2, 3], [0.0; 6]).matmul(&g.tensor([2, 3], [0.0; 6]))).unwrap_err();
        assert!(error.to_string().contains(&format!("numbers.rs:{line}")), "{error}");
        let error = eval(device, |g| g.tensor([2, 3], [0.0; 5]).relu()).unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error}");
        assert!(error.to_string().contains("is 5, but must be 6, the size of its shape [2, 3]"), "{error}");
        for empty in [|| Tensor::einsum("i->i", &[]), || Tensor::concat(&[], 0)] {
            let error = eval(device, |_| empty()).unwrap_err().to_string();
            assert!(error.contains("expected at least 1 tensor, found none"), "{error}");
        }
    }
}
