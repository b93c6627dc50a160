//! An error in a user's model is a readable message: the op, the shapes, and the user's file and
//! line.

use wgrad::data::{Dataset, Targets};
use wgrad::nn::{self, Module, Parameter, Visitor};
use wgrad::{Device, Fit, Tensor, Trainer, loss, metrics};

use crate::{FEATURES, classes, mlp, numbers};

fn error(model: impl Module + 'static, set: &Dataset) -> String {
    let compiled = Trainer::new(model).compile(&Device::cpu(), set);
    compiled.err().expect("it compiled").to_string()
}

/// A module of one function, with an optional parameter.
struct Custom<F> {
    forward: F,
    inner: Vec<nn::Linear>,
    named: bool,
}

impl<F: Fn(&Tensor, &[nn::Linear]) -> Tensor + Send> Module for Custom<F> {
    fn forward(&self, x: &Tensor) -> Tensor {
        (self.forward)(x, &self.inner)
    }
    fn visit(&self, v: &mut Visitor) {
        for (i, layer) in self.inner.iter().enumerate().filter(|_| self.named) {
            v.child(&format!("layer{i}"), layer);
        }
    }
}

fn custom<F: Fn(&Tensor, &[nn::Linear]) -> Tensor + Send>(forward: F) -> Custom<F> {
    Custom {
        forward,
        inner: vec![nn::Linear::new(FEATURES, 3)],
        named: true,
    }
}

#[test]
fn a_layer_of_the_wrong_width() {
    let line = line!() + 3;
    let model = nn::Sequential::new()
        .add(nn::Linear::new(FEATURES, 16))
        .add(nn::Linear::new(17, 3));
    let error = error(model, &classes(9));
    let want = format!(
        "linear: expected an input [.., 17], found 16 features on its last axis\n  inputs: f32[2, 16]\n  \
         at tests/training/mistakes.rs:{line} (layer 1)"
    );
    assert_eq!(error, want);
}

#[test]
fn labels_for_other_positions() {
    let set = |width, classes| {
        let labels = vec![0; 4 * width];
        let targets = Targets::Sequences {
            labels,
            width,
            classes,
        };
        Dataset::from_arrays(vec![1.0; 12], [3], targets).unwrap()
    };
    let wrong = |set: &Dataset| {
        let mut trainer = Trainer::new(nn::Embedding::new(5, 7))
            .compile(&Device::cpu(), set)
            .unwrap();
        trainer.fit(set, Fit::epochs(1)).unwrap_err().to_string()
    };
    let text = wrong(&set(2, 7));
    assert!(
        text.contains("expected 3 labels per sample, as the model scores, found 2 labels"),
        "{text}"
    );
    let text = wrong(&set(3, 8));
    assert!(
        text.contains("expected at most 7 classes, as the model scores, found 8"),
        "{text}"
    );
}

#[test]
fn a_layer_of_the_wrong_width_inside_a_module() {
    struct Block {
        up: nn::Linear,
    }
    impl Module for Block {
        fn forward(&self, x: &Tensor) -> Tensor {
            self.up.forward(x)
        }
        fn visit(&self, v: &mut Visitor) {
            v.child("up", &self.up);
        }
    }
    let line = line!() + 1;
    let up = nn::Linear::new(5, 3);
    let model = nn::Sequential::new().add(nn::Relu).add(Block { up });
    let error = error(model, &classes(9));
    let want = format!("at tests/training/mistakes.rs:{line} (layer 1.up)");
    assert!(
        error.starts_with("linear: expected an input [.., 5], found 7 features on its last axis\n"),
        "{error}"
    );
    assert!(error.ends_with(&want), "{error}");
}

#[test]
fn a_product_of_shapes_that_do_not_fit() {
    let line = line!() + 1;
    let model = custom(|x, layers| layers[0].forward(x).matmul(x));
    let error = error(model, &classes(9));
    let want = format!(
        "matmul: the shapes do not fit: expected [.., m, k] on the left and [.., k, n] on the right, with \
         the same leading axes\n  inputs: f32[2, 3], f32[2, 7]\n  at tests/training/mistakes.rs:{line}"
    );
    assert_eq!(error, want);
}

#[test]
fn a_sum_of_shapes_that_do_not_fit() {
    let line = line!() + 1;
    let model = custom(|x, layers| layers[0].forward(x) + x);
    let error = error(model, &classes(9));
    assert!(
        error.contains("f32[2, 3]") && error.contains("f32[2, 7]"),
        "{error}"
    );
    assert!(error.starts_with("add: "), "{error}");
    assert!(
        error.ends_with(&format!("at tests/training/mistakes.rs:{line}")),
        "{error}"
    );
}

#[test]
fn a_mistake_in_a_modules_own_forward() {
    struct Squared;
    impl Module for Squared {
        fn forward(&self, x: &Tensor) -> Tensor {
            x.matmul(x)
        }
    }
    let line = line!() - 3;
    let at = format!("at tests/training/mistakes.rs:{line}");
    let alone = error(Squared, &classes(9));
    assert!(
        alone.starts_with("matmul: the shapes do not fit"),
        "{alone}"
    );
    assert!(alone.ends_with(&at), "{alone}");
    let within = nn::Sequential::new().add(nn::Relu).add(Squared);
    let within = error(within, &classes(9));
    assert!(within.ends_with(&format!("{at} (layer 1)")), "{within}");
}

#[test]
fn only_the_first_mistake_is_told() {
    let model = custom(|x, layers| {
        let wrong = layers[0].forward(x).matmul(x);
        (wrong.clone() + x).matmul(&wrong).softmax(9)
    });
    let error = error(model, &classes(9));
    assert!(
        error.starts_with("matmul: ") && error.lines().count() == 3,
        "{error}"
    );
}

#[test]
fn a_mistake_in_a_sequential_names_the_module_of_ones_own() {
    let line = line!() + 1;
    let one = custom(|x, _| x.reshape([4, 4]));
    let error = error(nn::Sequential::new().add(nn::Relu).add(one), &classes(9));
    assert!(
        error.starts_with("reshape: ") && error.contains("f32[2, 7]"),
        "{error}"
    );
    assert!(error.contains("tests/training/mistakes.rs"), "{error}");
    assert!(error.contains("(layer 1)"), "{error}");
    // The line in the module, where the error is, not the one that adds the module.
    assert!(error.contains(&format!(":{line} ")), "{error}");
}

#[test]
fn a_parameter_that_visit_does_not_name() {
    let line = line!() + 1;
    let hidden = nn::Linear::new(FEATURES, 3);
    let model = Custom {
        forward: |x: &Tensor, layers: &[nn::Linear]| layers[0].forward(x),
        inner: vec![hidden],
        named: false,
    };
    let error = error(model, &classes(9));
    let want = format!(
        "parameter: a parameter of shape [3, 7] is not named by its module's `visit`; add it there with `Visitor::parameter`\n  \
         inputs: f32[2, 7]\n  at tests/training/mistakes.rs:{line}"
    );
    assert_eq!(error, want);
}

#[test]
fn two_parameters_of_one_name() {
    struct Twice(Parameter, Parameter);
    impl Module for Twice {
        fn forward(&self, x: &Tensor) -> Tensor {
            x * self.0.tensor(x) + self.1.tensor(x)
        }
        fn visit(&self, v: &mut Visitor) {
            v.parameter("scale", &self.0);
            v.parameter("scale", &self.1);
        }
    }
    let new = || Parameter::new([FEATURES], wgrad::graph::Init::Constant(1.0));
    let error = error(Twice(new(), new()), &classes(9));
    assert_eq!(
        error,
        "the model: expected unique parameter names, found \"scale\" twice"
    );
}

#[test]
fn a_model_without_parameters() {
    let error = error(nn::Relu, &classes(9));
    assert_eq!(
        error,
        "the model: expected at least one trained parameter, found none"
    );
}

#[test]
fn a_model_that_gives_no_batch() {
    let error = error(
        custom(|x, layers| layers[0].forward(x).sum(&[0])),
        &classes(9),
    );
    assert_eq!(
        error,
        "the model: expected an output whose first axis is the batch of 2, found [3]"
    );
}

#[test]
fn outputs_and_losses_that_do_not_fit() {
    let error = error(mlp(1), &classes(9));
    assert_eq!(
        error,
        "the loss cross_entropy: expected logits f32 [batch, .., classes] of at least 2 classes, found f32[2, 1]"
    );
}

#[test]
fn data_and_losses_that_do_not_fit() {
    let fit = |trainer: wgrad::train::TrainerBuilder, set: &Dataset| {
        let mut trainer = trainer
            .metric(metrics::Mse)
            .compile(&Device::cpu(), set)
            .unwrap();
        let error = trainer.fit(set, wgrad::Fit::epochs(1)).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        fit(Trainer::new(mlp(3)).loss(loss::Mse::new()), &classes(9)),
        "the training data: expected target values of width 3, as the loss needs, found labels of 3 classes"
    );
    assert_eq!(
        fit(Trainer::new(mlp(1)).loss(loss::Mse::new()), &classes(9)),
        "the training data: expected target values of width 1, as the loss needs, found labels of 3 classes"
    );
    let trainer = || Trainer::new(mlp(2));
    let error = |set: &Dataset, test: &Dataset| {
        let mut trainer = trainer().compile(&Device::cpu(), set).unwrap();
        trainer.evaluate(test).unwrap_err().to_string()
    };
    assert_eq!(
        error(&classes(9), &classes(9)),
        "the evaluation data: expected at most 2 classes, as the model scores, found 3"
    );
    assert_eq!(
        error(&classes(9), &numbers(9)),
        "the evaluation data: expected class labels, as the loss needs, found targets that are not classes"
    );
    let wide = classes(9).reshaped([1, FEATURES]).unwrap();
    assert_eq!(
        error(&classes(9), &wide),
        "the evaluation data: expected samples of shape [7], as compiled, found [1, 7]"
    );
}

#[test]
fn a_dropout_of_all() {
    let line = line!() + 3;
    let model = nn::Sequential::new()
        .add(nn::Linear::new(FEATURES, 3))
        .add(nn::Dropout::new(1.0));
    let error = error(model, &classes(9));
    assert!(error.starts_with("dropout: "), "{error}");
    assert!(
        error.contains(&format!("mistakes.rs:{line} (layer 1)")),
        "{error}"
    );
}

#[test]
fn summaries_have_the_names_of_a_state_dict() {
    struct Block {
        up: nn::Linear,
        inner: nn::Sequential,
    }
    impl Module for Block {
        fn forward(&self, x: &Tensor) -> Tensor {
            self.inner.forward(&self.up.forward(x).relu())
        }
        fn visit(&self, v: &mut Visitor) {
            v.child("up", &self.up);
            v.child("inner", &self.inner);
        }
    }
    let inner = nn::Sequential::new()
        .add(nn::Dropout::new(0.5))
        .add(nn::Sequential::new().add(nn::Linear::new(5, 3).without_bias()));
    let block = Block {
        up: nn::Linear::new(FEATURES, 5),
        inner,
    };
    let model = nn::Sequential::new().add(nn::Relu).add(block);
    let trainer = Trainer::new(model)
        .compile(&Device::cpu(), &classes(9))
        .unwrap();
    let layers: Vec<(&str, usize)> = trainer
        .summary()
        .layers
        .iter()
        .map(|l| (l.name.as_str(), l.parameters))
        .collect();
    assert_eq!(
        layers,
        [
            ("0", 0),
            ("1.up", 40),
            ("1.inner.0", 0),
            ("1.inner.1.0", 15)
        ]
    );
    assert_eq!(trainer.summary().parameters, 55);
    let alone = Trainer::new(nn::Linear::new(FEATURES, 3))
        .compile(&Device::cpu(), &classes(9))
        .unwrap();
    assert_eq!(alone.summary().layers[0].parameters, 24);
}
