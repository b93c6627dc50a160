//! Data augmentation: its effect on each sample, and that training with it is deterministic.

use std::cell::RefCell;
use std::rc::Rc;

use wgrad::data::{Dataset, Targets};
use wgrad::exec::reference;
use wgrad::graph::{Graph, Mode, Output};
use wgrad::ops::{self, Array, KEY};
use wgrad::random::Stream;
use wgrad::{DType, Device, Fit, Tensor, Trainer, nn};

use crate::near;

/// Applies `f` to images with the reference.
fn run(mode: Mode, images: &Array, f: impl Fn(&Tensor) -> Tensor) -> Vec<Vec<f64>> {
    let graph = Rc::new(RefCell::new(Graph::new(mode)));
    let x = ops::input(&graph, "x", images.shape.clone(), DType::F32);
    let y = f(&x);
    graph.borrow_mut().take_error().unwrap();
    let node = y.id().unwrap();
    let name = "y".to_string();
    graph.borrow_mut().outputs.push(Output { name, node });
    let mut values = reference::Values::default();
    values.inputs.insert("x".to_string(), images.clone());
    let key = Array::new([2], vec![7.0, 1.0]);
    values.inputs.insert(KEY.to_string(), key);
    let computed = reference::evaluate(&graph.borrow(), &values).unwrap();
    let y = computed[node.index()].as_ref().unwrap();
    let each = y.shape.iter().skip(1).product();
    y.data.chunks(each).map(<[f64]>::to_vec).collect()
}

/// Returns `n` equal images of 2 channels, whose pixels are 1, 2, 3, and so on.
fn images(n: usize, h: usize, w: usize) -> Array {
    let one = (1..=2 * h * w).map(|v| v as f64);
    let data = one.clone().cycle().take(n * 2 * h * w).collect();
    Array::new([n, 2, h, w], data)
}

#[test]
fn each_sample_is_mirrored_as_a_whole_or_not() {
    let mirrored = [3., 2., 1., 6., 5., 4., 9., 8., 7., 12., 11., 10.];
    let x = images(400, 2, 3);
    let y = run(Mode::Train, &x, |x| x.random_flip(0.3));
    let flipped = y.iter().filter(|y| **y == mirrored).count();
    let kept = y.iter().filter(|y| **y == x.data[..12]).count();
    assert_eq!(flipped + kept, 400);
    // The standard deviation is 9.2.
    assert!((80..160).contains(&flipped), "{flipped}");
}

#[test]
fn each_sample_is_moved_by_its_own_whole_numbers() {
    let (h, w) = (4, 3);
    let y = run(Mode::Train, &images(600, h, w), |x| x.random_shift([1, 2]));
    let moved = |down: isize, right: isize| -> Vec<f64> {
        let mut out = Vec::new();
        for c in 0..2 {
            for row in 0..h as isize {
                for column in 0..w as isize {
                    let (from, at) = (row + down, column + right);
                    let inside = (0..4).contains(&from) && (0..3).contains(&at);
                    let pixel = (c * 4 + from) * 3 + at + 1;
                    out.push(if inside { pixel as f64 } else { 0.0 });
                }
            }
        }
        out
    };
    let places = (-1..=1).flat_map(|down| (-2..=2).map(move |right| (down, right)));
    let counts: Vec<usize> = places
        .map(|(down, right)| y.iter().filter(|y| **y == moved(down, right)).count())
        .collect();
    // 40 each, with a standard deviation of 6.1.
    assert_eq!(counts.iter().sum::<usize>(), 600, "{counts:?}");
    assert!(counts.iter().all(|c| (12..70).contains(c)), "{counts:?}");
}

#[test]
fn a_crop_is_a_window_and_in_evaluation_the_middle() {
    let x = images(50, 3, 4);
    let y = run(Mode::Train, &x, |x| x.random_crop([2, 2], [0, 0]));
    let firsts = [1.0, 2.0, 3.0, 5.0, 6.0, 7.0];
    for y in &y {
        let a = y[0];
        assert!(firsts.contains(&a), "{y:?}");
        let window = [a, a + 1.0, a + 4.0, a + 5.0];
        assert_eq!(y[..4], window);
        assert_eq!(y[4..], window.map(|v| v + 12.0));
    }
    assert!(firsts.iter().all(|f| y.iter().any(|y| y[0] == *f)));
    let y = run(Mode::Eval, &x, |x| x.random_crop([1, 2], [5, 5]));
    assert!(y.iter().all(|y| *y == [6.0, 7.0, 18.0, 19.0]));
}

#[test]
fn in_evaluation_nothing_happens() {
    let x = images(9, 3, 3);
    let y = run(Mode::Eval, &x, |x| x.random_flip(1.0).random_shift([2, 2]));
    assert_eq!(y.concat(), x.data);
}

/// 30 images of noise in two classes.
fn noise() -> Dataset {
    let mut random = Stream::new(3);
    let pixels = (0..30 * 2 * 5 * 7).map(|_| random.normal()).collect();
    let labels = (0..30).map(|i| i % 2).collect();
    Dataset::from_arrays(pixels, [2, 5, 7], Targets::classes(labels, 2)).unwrap()
}

fn trained(device: &Device, seed: u64) -> Trainer {
    let model = nn::Sequential::new()
        .add(nn::RandomFlip::new(0.5))
        .add(nn::RandomShift::new([2, 1]))
        .add(nn::RandomCrop::new([3, 5]).padding(1))
        .add(nn::Flatten)
        .add(nn::Linear::new(30, 2));
    let builder = Trainer::new(model).seed(seed);
    let mut trainer = builder.compile(device, &noise()).unwrap();
    // The last batch is ragged.
    let fit = Fit::epochs(3).batch_size(8);
    trainer.fit(&noise(), fit).unwrap();
    trainer
}

/// Returns the center 3 x 5 pixels of an image.
fn middle(image: &[f32]) -> impl Iterator<Item = &f32> {
    let channels = image.chunks(5 * 7);
    channels.flat_map(|c| (1..4).flat_map(|row| &c[row * 7 + 1..row * 7 + 6]))
}

on_every_device! {
    fn the_same_seed_gives_the_same_weights(device) {
        let hash = |seed| trained(device, seed).weights_sha256().unwrap();
        assert_eq!(hash(4), hash(4));
        assert_ne!(hash(4), hash(5));
    }

    fn it_ends_with_the_training(device) {
        let mut trainer = trained(device, 4);
        // The prediction of a sample depends only on its own pixels.
        let got = trainer.predict(&noise()).unwrap();
        let weight = trainer.weights("4.weight").unwrap();
        let bias = trainer.weights("4.bias").unwrap();
        let set = noise();
        for (i, scores) in got.rows().enumerate() {
            for (class, score) in scores.iter().enumerate() {
                let image = set.row(i).unwrap();
                let pixels = middle(&image);
                let of_class = &weight[class * 30..(class + 1) * 30];
                let products = of_class.iter().zip(pixels).map(|(w, x)| w * x);
                near(f64::from(*score), f64::from(bias[class] + products.sum::<f32>()), 1e-4);
            }
        }
    }
}
