//! `[model]`: the model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::nn::{
    self, Bert, BertConfig, DropoutSpec, FlattenSpec, Gpt, GptConfig, InitSpec, LanguageModel,
    LayerSpec, LinearSpec, Llama, LlamaSpec, Module, Relu,
};
use crate::schema::{Kind, Path, SettingError, kinds, range};

/// The input and the required outputs of a model.
///
/// # Example
/// ```
/// use wgrad::data::{Dataset, Targets};
/// use wgrad::spec::Input;
///
/// let set = Dataset::from_arrays(vec![0.0; 8], [4], Targets::classes(vec![0, 2], 3))?;
/// assert_eq!(Input::from(&set), Input::new([4]).outputs(3));
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    pub(crate) sample: Vec<usize>,
    pub(crate) outputs: usize,
    pub(crate) vocabulary: usize,
    /// Why this number of outputs is required, for messages: `"3 outputs for 3 classes"`.
    pub(crate) needed: Option<String>,
}

impl Input {
    /// Creates an input of samples of this shape, without the batch axis, with one output.
    pub fn new(sample: impl Into<Vec<usize>>) -> Self {
        Input {
            sample: sample.into(),
            outputs: 1,
            vocabulary: 0,
            needed: None,
        }
    }

    /// Sets the number of outputs for each sample: the classes, or the values to predict.
    #[must_use]
    pub fn outputs(self, outputs: usize) -> Self {
        Input { outputs, ..self }
    }

    /// Sets the size of the vocabulary, for a language model.
    #[must_use]
    pub fn vocabulary(self, vocabulary: usize) -> Self {
        Input { vocabulary, ..self }
    }
}

impl From<&Dataset> for Input {
    fn from(set: &Dataset) -> Self {
        let outputs = set.classes().or(set.target_width()).unwrap_or(1);
        Input::new(set.sample_shape().dims()).outputs(outputs)
    }
}

/// What the kinds of models share.
trait Settings {
    /// Builds the model.
    fn build(&self, input: &Input, at: &Path)
    -> std::result::Result<Box<dyn Module>, SettingError>;

    /// Checks constraints between settings.
    fn conflicts(&self, at: &Path) -> std::result::Result<(), SettingError>;

    /// Returns the number of tokens of a sample, for a language model.
    fn context(&self) -> Option<usize> {
        None
    }

    /// Builds the model as a language model, for this size of the vocabulary.
    fn language(&self, vocabulary: usize) -> Option<Box<dyn LanguageModel>> {
        let _ = vocabulary;
        None
    }
}

const KIND: Kind = Kind {
    inferred: &[("", "sequential")],
    ..Kind::of("model type", "[model] of type \"{}\"")
};

kinds! {
    /// A model in a configuration: its kind and its settings.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    /// use wgrad::spec::{Input, ModelSpec, SequentialSpec};
    ///
    /// let spec = ModelSpec::Sequential(SequentialSpec::hidden([8]));
    /// let model = spec.build(&Input::new([4]).outputs(3))?;
    /// let trainer = Trainer::boxed(model).compile_for(&Device::cpu(), [4])?;
    /// assert_eq!(trainer.summary().parameters, 67);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub enum ModelSpec by "type" as dyn Settings, KIND;
    "sequential" => Sequential(SequentialSpec),
    "gpt" => Gpt(GptConfig),
    "llama" => Llama(LlamaSpec),
    "bert" => Bert(BertConfig),
}

impl ModelSpec {
    /// Builds the model for this input. Its weights are initialized later, by the trainer.
    ///
    /// # Errors
    ///
    /// Returns an error with the layer's place in the settings if a layer does not fit its input.
    pub fn build(&self, input: &Input) -> Result<Box<dyn Module>> {
        self.build_at(input, &Path::root()).map_err(Error::from)
    }

    /// Builds the model as a language model with this size of the vocabulary; `None` for other
    /// models.
    pub fn language(&self, vocabulary: usize) -> Option<Box<dyn LanguageModel>> {
        self.settings().language(vocabulary)
    }

    /// Returns the number of tokens of a sample of a language model; `None` for other models.
    pub fn context(&self) -> Option<usize> {
        self.settings().context()
    }

    /// Returns whether it is a language model.
    pub fn is_language(&self) -> bool {
        self.context().is_some()
    }

    /// Returns the layers of the model, in order, for this input; empty if the model is not made of
    /// layers.
    pub fn layers(&self, input: &Input) -> Vec<LayerSpec> {
        match self {
            ModelSpec::Sequential(spec) => spec.all_layers(input),
            _ => Vec::new(),
        }
    }

    pub(crate) fn build_at(
        &self,
        input: &Input,
        at: &Path,
    ) -> std::result::Result<Box<dyn Module>, SettingError> {
        self.settings().build(input, at)
    }

    pub(crate) fn conflicts(&self, at: &Path) -> std::result::Result<(), SettingError> {
        self.settings().conflicts(at)
    }
}

/// Layers that are applied in order: either `layers`, or `hidden`, the short form of a multilayer
/// perceptron.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SequentialSpec {
    /// The layers, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("x-expected" = "a list of at least one layer", "examples" = [[{ "type": "linear", "out": 64 }, "relu"]]))]
    pub layers: Option<Vec<LayerSpec>>,
    /// Instead of `layers`: the widths of the hidden layers, each a linear layer with an
    /// activation. The width of the last layer follows from the data. An empty list is a linear
    /// model.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Counts>", extend("examples" = [[64, 64]]))]
    pub hidden: Option<Vec<usize>>,
    /// The activation after each hidden layer. Default: `relu`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "LayerSpec::activations")]
    pub activation: Option<LayerSpec>,
    /// The probability of dropout after each activation. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Fraction>")]
    pub dropout: Option<f64>,
    /// The initialization of layers without their own `init`. Default: PyTorch's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<InitSpec>,
}

impl SequentialSpec {
    /// Creates a model from a list of layers.
    pub fn layers(layers: impl Into<Vec<LayerSpec>>) -> Self {
        SequentialSpec {
            layers: Some(layers.into()),
            ..SequentialSpec::default()
        }
    }

    /// Creates a multilayer perceptron with hidden layers of these widths, each with ReLU.
    pub fn hidden(widths: impl Into<Vec<usize>>) -> Self {
        SequentialSpec {
            hidden: Some(widths.into()),
            ..SequentialSpec::default()
        }
    }

    /// Returns the layers, with the short form expanded.
    fn all_layers(&self, input: &Input) -> Vec<LayerSpec> {
        if let Some(layers) = &self.layers {
            return layers.clone();
        }
        let linear = |out| {
            LinearSpec {
                out,
                bias: true,
                init: None,
            }
            .into()
        };
        let mut layers = Vec::new();
        // The short form is for flat samples, so images are flattened first.
        if input.sample.len() > 1 {
            layers.push(FlattenSpec {}.into());
        }
        for &out in self.hidden.iter().flatten() {
            layers.push(linear(out));
            layers.push(self.activation.clone().unwrap_or(Relu.into()));
            if let Some(p) = self.dropout.filter(|p| *p > 0.0) {
                layers.push(DropoutSpec { p }.into());
            }
        }
        layers.push(linear(input.outputs));
        layers
    }

    /// Sets the defaults.
    pub(super) fn fill(&mut self) {
        if self.hidden.is_some() {
            self.activation.get_or_insert(Relu.into());
            self.dropout.get_or_insert(0.0);
        }
    }
}

impl Settings for SequentialSpec {
    fn build(
        &self,
        input: &Input,
        at: &Path,
    ) -> std::result::Result<Box<dyn Module>, SettingError> {
        let layers = self.all_layers(input);
        let (network, shape) = nn::sequence(&layers, &input.sample, &at.key("layers"))?;
        if shape != [input.outputs] {
            let flat = match shape.len() {
                1 => "",
                _ => "; a \"flatten\" in front makes samples flat",
            };
            let needed = match &input.needed {
                Some(words) => words.clone(),
                None => format!("[{}]", input.outputs),
            };
            let message = format!(
                "expected {needed}, found {shape:?} for each sample from the last layer{flat}"
            );
            return Err(SettingError::new(at.key("layers"), message));
        }
        Ok(match &self.init {
            Some(init) => init.apply(network),
            None => Box::new(network),
        })
    }

    fn conflicts(&self, at: &Path) -> std::result::Result<(), SettingError> {
        if let Some(init) = &self.init {
            init.conflicts(&at.key("init"))?;
        }
        let Some(layers) = &self.layers else {
            return match self.hidden {
                Some(_) => Ok(()),
                None => {
                    let error = SettingError::new(at.clone(), "[model] needs `hidden` or `layers`");
                    Err(error.help(
                        "give hidden = [64, 64], or layers = [{ type = \"linear\", out = 64 }, ...]",
                    ))
                }
            };
        };
        let short = [
            ("hidden", self.hidden.is_some()),
            ("activation", self.activation.is_some()),
            ("dropout", self.dropout.is_some()),
        ];
        if let Some((key, _)) = short.iter().find(|(_, given)| *given) {
            let message = format!("`{key}` and `layers` exclude each other");
            let error = SettingError::new(at.key(key), message);
            return Err(error.help("`layers` writes out each layer, `hidden` is the short form"));
        }
        nn::check_all(layers, &at.key("layers"))
    }
}

/// Checks that one number divides the other.
fn divides(
    at: &Path,
    (part, n): (&str, usize),
    (whole, of): (&str, usize),
) -> std::result::Result<(), SettingError> {
    match n > 0 && of.is_multiple_of(n) {
        true => Ok(()),
        false => {
            let message =
                format!("`{part}` is {n}, which does not divide `{whole}`, which is {of}");
            Err(SettingError::new(at.key(part), message))
        }
    }
}

/// Boxes a model of tokens, which takes their number from the data.
fn boxed<M: Module + 'static>(model: M) -> std::result::Result<Box<dyn Module>, SettingError> {
    Ok(Box::new(model))
}

impl Settings for GptConfig {
    fn build(&self, input: &Input, _: &Path) -> std::result::Result<Box<dyn Module>, SettingError> {
        let vocabulary = input.vocabulary;
        boxed(Gpt::new(GptConfig {
            vocabulary,
            ..self.clone()
        }))
    }
    fn conflicts(&self, at: &Path) -> std::result::Result<(), SettingError> {
        divides(at, ("heads", self.heads), ("width", self.width))
    }
    fn context(&self) -> Option<usize> {
        Some(self.context)
    }
    fn language(&self, vocabulary: usize) -> Option<Box<dyn LanguageModel>> {
        Some(Box::new(Gpt::new(GptConfig {
            vocabulary,
            ..self.clone()
        })))
    }
}

impl Settings for LlamaSpec {
    fn build(&self, input: &Input, _: &Path) -> std::result::Result<Box<dyn Module>, SettingError> {
        boxed(Llama::new(self.config(input.vocabulary)))
    }
    fn conflicts(&self, at: &Path) -> std::result::Result<(), SettingError> {
        divides(at, ("heads", self.heads), ("width", self.width))?;
        match self.kv_heads {
            Some(n) => divides(at, ("kv_heads", n), ("heads", self.heads)),
            None => Ok(()),
        }
    }
    fn context(&self) -> Option<usize> {
        Some(self.context)
    }
    fn language(&self, vocabulary: usize) -> Option<Box<dyn LanguageModel>> {
        Some(Box::new(Llama::new(self.config(vocabulary))))
    }
}

impl Settings for BertConfig {
    fn build(&self, _: &Input, _: &Path) -> std::result::Result<Box<dyn Module>, SettingError> {
        boxed(Bert::new(*self))
    }
    fn conflicts(&self, at: &Path) -> std::result::Result<(), SettingError> {
        divides(at, ("heads", self.heads), ("width", self.width))
    }
}
