//! Layers whose outputs are computed by hand here: recurrent cells, pooling with `ceil_mode`, the
//! tanh GELU, a tied Llama.

use wgrad::data::{Dataset, Targets};
use wgrad::nn::{self, Module, Visitor};
use wgrad::{Device, Tensor, Trainer, loss};

use crate::near;

/// Returns the output of a module for one sample.
fn output(
    device: &Device,
    model: impl Module + 'static,
    x: &[f32],
    shape: &[usize],
) -> (Trainer, Vec<usize>, Vec<f64>) {
    let set = Dataset::from_arrays(x.to_vec(), shape, Targets::Unlabelled).unwrap();
    let mut trainer = Trainer::new(Kept(model))
        .loss(loss::Mse::new())
        .compile(device, &set)
        .unwrap();
    let all = trainer.predict(&set).unwrap();
    let values = all.values.iter().map(|v| f64::from(*v)).collect();
    (trainer, all.shape.dims()[1..].to_vec(), values)
}

/// Adds a parameter to a module, because a trainer requires one.
struct Kept<M>(M);

impl<M: Module> Module for Kept<M> {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.0.forward(x)
    }
    fn visit(&self, v: &mut Visitor) {
        self.0.visit(v);
    }
}

/// Two steps of a cell on the two halves of the input. Returns all outputs side by side.
struct TwoSteps<C>(C);

impl Module for TwoSteps<nn::LstmCell> {
    fn forward(&self, x: &Tensor) -> Tensor {
        let (h, c) = self.0.step(&x.narrow(1, 0, 2), None);
        let (h2, c2) = self.0.step(&x.narrow(1, 2, 2), Some((&h, &c)));
        Tensor::concat(&[&h, &c, &h2, &c2], 1)
    }
    fn visit(&self, v: &mut Visitor) {
        self.0.visit(v);
    }
}

impl Module for TwoSteps<nn::GruCell> {
    fn forward(&self, x: &Tensor) -> Tensor {
        let h = self.0.step(&x.narrow(1, 0, 2), None);
        let h2 = self.0.step(&x.narrow(1, 2, 2), Some(&h));
        Tensor::concat(&[&h, &h2], 1)
    }
    fn visit(&self, v: &mut Visitor) {
        self.0.visit(v);
    }
}

/// Computes `W x + b`, for a weight that is stored by rows.
fn linear(trainer: &mut Trainer, weight: &str, bias: &str, x: &[f64]) -> Vec<f64> {
    let w = trainer.weights(weight).unwrap();
    let b = trainer
        .weights(bias)
        .ok()
        .unwrap_or(vec![0.0; w.len() / x.len()]);
    let row = |(w, b): (&[f32], &f32)| -> f64 {
        w.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum::<f64>() + f64::from(*b)
    };
    w.chunks(x.len()).zip(&b).map(row).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

const X: [f32; 4] = [0.5, -1.0, 2.0, 0.25];

#[track_caller]
fn all_near(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).for_each(|(g, w)| near(*g, *w, 2e-6));
}

on_every_device! {
    fn an_lstm_cell_is_one_step(device) {
        for bias in [true, false] {
            let cell = nn::LstmCell::new(2, 3);
            let cell = if bias { cell } else { cell.without_bias() };
            let (mut t, _, got) = output(device, TwoSteps(cell), &X, &[4]);
            let (mut h, mut c, mut want) = (vec![0.0; 3], vec![0.0; 3], Vec::new());
            for x in X.map(f64::from).chunks(2) {
                let a = linear(&mut t, "weight_ih", "bias_ih", x);
                let q = linear(&mut t, "weight_hh", "bias_hh", &h);
                let a: Vec<f64> = a.iter().zip(q).map(|(a, q)| a + q).collect();
                for i in 0..3 {
                    c[i] = sigmoid(a[3 + i]) * c[i] + sigmoid(a[i]) * a[6 + i].tanh();
                    h[i] = sigmoid(a[9 + i]) * c[i].tanh();
                }
                want.extend([h.clone(), c.clone()].concat());
            }
            all_near(&got, &want);
        }
    }

    fn a_gru_cell_is_one_step(device) {
        for bias in [true, false] {
            let cell = nn::GruCell::new(2, 3);
            let cell = if bias { cell } else { cell.without_bias() };
            let (mut t, _, got) = output(device, TwoSteps(cell), &X, &[4]);
            let (mut h, mut want) = (vec![0.0; 3], Vec::new());
            for x in X.map(f64::from).chunks(2) {
                let a = linear(&mut t, "weight_ih", "bias_ih", x);
                let q = linear(&mut t, "weight_hh", "bias_hh", &h);
                for i in 0..3 {
                    let (r, z) = (sigmoid(a[i] + q[i]), sigmoid(a[3 + i] + q[3 + i]));
                    let n = (a[6 + i] + r * q[6 + i]).tanh();
                    h[i] = (1.0 - z) * n + z * h[i];
                }
                want.extend(h.clone());
            }
            all_near(&got, &want);
        }
    }

    fn pooling_in_ceil_mode(device) {
        // 1 to 25, as 5 x 5: the last adjacent windows of 2 exceed the image by one.
        let x: Vec<f32> = (1..=25).map(|i| i as f32).collect();
        let average = nn::AvgPool2d::new(2).ceil_mode();
        let (_, shape, got) = output(device, Weighted::of(average), &x, &[1, 5, 5]);
        assert_eq!(shape, [1, 3, 3]);
        // Elements outside the image and its padding do not count: the last mean is 25 alone.
        all_near(&got, &[4.0, 6.0, 7.5, 14.0, 16.0, 17.5, 21.5, 23.5, 25.0]);
        let (_, shape, got) = output(device, Weighted::of(nn::MaxPool2d::new(2).ceil_mode()), &x, &[1, 5, 5]);
        assert_eq!(shape, [1, 3, 3]);
        assert_eq!(got, [7.0, 9.0, 10.0, 17.0, 19.0, 20.0, 22.0, 24.0, 25.0]);

        // Windows of 3 with stride 2 over 0 1 2 3 4 5 0 and one more: at -1, 1, 3 and 5. The last
        // one is over 5 and the padding, which counts as 0, but not over the element past that.
        let row = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
        let one = |counts: bool| {
            let pool = nn::AvgPool1d::new(3).stride(2).padding(1).ceil_mode();
            Weighted::of(if counts { pool } else { pool.without_counting_padding() })
        };
        let (_, shape, got) = output(device, one(true), &row, &[1, 6]);
        assert_eq!(shape, [1, 4]);
        all_near(&got, &[1.0, 3.0, 5.0, 3.0]);
        let (_, _, got) = output(device, one(false), &row, &[1, 6]);
        all_near(&got, &[1.5, 3.0, 5.0, 6.0]);
        // A window that would begin in the padding after the row is omitted: PyTorch has 2 windows
        // here, not 3.
        let pool = nn::MaxPool1d::new(2).stride(3).padding(1).ceil_mode();
        let (_, shape, got) = output(device, Weighted::of(pool), &row[..4], &[1, 4]);
        assert_eq!((shape, got), (vec![1, 2], vec![1.0, 4.0]));
        // With dilation, the windows are 1 3 5 and then 4 6.
        let pool = nn::MaxPool1d::new(3).stride(3).dilation(2).ceil_mode();
        let (_, shape, got) = output(device, Weighted::of(pool), &row, &[1, 6]);
        assert_eq!((shape, got), (vec![1, 2], vec![5.0, 6.0]));
    }

    fn pooling_and_softmax_of_infinite_elements(device) {
        let low = f32::NEG_INFINITY;
        // With dilation 1 and with dilation 2: elements past the end never exceed the maximum.
        for dilation in [1, 2] {
            let pool = nn::MaxPool1d::new(3).stride(4).dilation(dilation).ceil_mode();
            let y = wgrad::eval(device, |g| pool.forward(&g.tensor([1, 1, 6], [low; 6]))).unwrap();
            assert_eq!(y.data, [f64::NEG_INFINITY; 2]);
        }
        // As in PyTorch, a row without a finite element has no softmax.
        let (p, log_p) = wgrad::eval(device, |g| {
            let x = g.tensor([2, 3], [low, low, low, 1.0, low, 1.0]);
            (x.softmax(-1), x.log_softmax(-1))
        }).unwrap();
        assert!(p.data[..3].iter().chain(&log_p.data[..3]).all(|y| y.is_nan()), "{p:?}, {log_p:?}");
        assert_eq!(p.data[3..], [0.5, 0.0, 0.5]);
        assert_eq!(log_p.data[4], f64::NEG_INFINITY);
    }

    fn the_tanh_gelu(device) {
        let (_, _, got) = output(device, Weighted::of(nn::GeluTanh), &[-3.0, -0.5, 0.0, 2.0], &[4]);
        let gelu = |x: f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
        all_near(&got, &[-3.0, -0.5, 0.0, 2.0].map(gelu));
    }

    fn a_tied_llama_scores_by_its_embeddings(device) {
        let sizes = |tied| nn::LlamaConfig { vocabulary: 7, context: 4, blocks: 1, heads: 2, kv_heads: 1, width: 8,
            hidden: 12, tied, ..nn::LlamaConfig::default() };
        let x = [3.0, 0.0, 6.0, 2.0];
        let (mut tied, shape, got) = output(device, nn::Llama::new(sizes(true)), &x, &[4]);
        assert_eq!(shape, [4, 7]);
        assert!(tied.parameters().all(|name| !name.starts_with("head")));
        // The same with a separate head that has the embeddings.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tied.safetensors");
        tied.save_weights(&path).unwrap();
        let (mut own, _, _) = output(device, nn::Llama::new(sizes(false)), &x, &[4]);
        own.load(&path, &wgrad::train::Load::strict().except("head.weight")).unwrap();
        let head = folder.path().join("head.safetensors");
        let rows = tied.weights("tokens.weight").unwrap();
        let bytes: Vec<u8> = rows.iter().flat_map(|w| w.to_le_bytes()).collect();
        let view = safetensors::tensor::TensorView::new(safetensors::tensor::Dtype::F32, vec![7, 8], &bytes).unwrap();
        std::fs::write(&head, safetensors::serialize([("head.weight", view)], None).unwrap()).unwrap();
        own.load(&head, &wgrad::train::Load::strict().only("head.weight")).unwrap();
        let set = Dataset::from_arrays(x.to_vec(), [4], Targets::Unlabelled).unwrap();
        let again: Vec<f64> = own.predict(&set).unwrap().values.iter().map(|v| f64::from(*v)).collect();
        all_near(&got, &again);
    }
}

/// A layer without parameters, times a weight of 1.
struct Weighted<M>(M, nn::Parameter);

impl<M: Module> Weighted<M> {
    fn of(layer: M) -> Self {
        Weighted(
            layer,
            nn::Parameter::new([1], wgrad::graph::Init::Constant(1.0)),
        )
    }
}

impl<M: Module> Module for Weighted<M> {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.0.forward(x) * self.1.tensor(x)
    }
    fn visit(&self, v: &mut Visitor) {
        v.parameter("one", &self.1);
    }
}
