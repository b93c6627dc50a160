//! `[model]`: the network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::nn::{
    self, Bert, BertConfig, DropoutSpec, FlattenSpec, Gpt, GptConfig, InitSpec, LanguageModel,
    LayerSpec, LinearSpec, Llama, LlamaSpec, Module, Relu,
};
use crate::schema::{Kind, Path, SettingError, kinds, range};

/// What a model is given, and what it must give.
///
/// ```
/// use wgrad::spec::Input;
///
/// let images = Input::new([1, 28, 28]).outputs(10);
/// # let _ = images;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    pub(crate) sample: Vec<usize>,
    pub(crate) outputs: usize,
    pub(crate) vocabulary: usize,
    /// Why there must be so many outputs, for messages: `"3 outputs for 3 classes"`.
    pub(crate) needed: Option<String>,
}

impl Input {
    /// Samples of this shape, without the batch; one output.
    pub fn new(sample: impl Into<Vec<usize>>) -> Self {
        Input {
            sample: sample.into(),
            outputs: 1,
            vocabulary: 0,
            needed: None,
        }
    }

    /// The number of outputs for a sample: the classes, or the numbers to predict.
    #[must_use]
    pub fn outputs(self, outputs: usize) -> Self {
        Input { outputs, ..self }
    }

    /// The number of tokens, for a language model.
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

/// What the kinds of models have in common.
trait Settings {
    /// The model.
    fn build(&self, input: &Input, at: &Path)
    -> std::result::Result<Box<dyn Module>, SettingError>;

    /// Checks what the ranges of single settings cannot say.
    fn conflicts(&self, at: &Path) -> std::result::Result<(), SettingError>;

    /// The number of tokens of a sample, for a language model.
    fn context(&self) -> Option<usize> {
        None
    }

    /// The model as a language model, for so many tokens.
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
    /// A model as a configuration says it: its kind with its settings.
    pub enum ModelSpec by "type" as dyn Settings, KIND;
    "sequential" => Sequential(SequentialSpec),
    "gpt" => Gpt(GptConfig),
    "llama" => Llama(LlamaSpec),
    "bert" => Bert(BertConfig),
}

impl ModelSpec {
    /// The model for this input, with its initial weights still to be drawn.
    ///
    /// # Errors
    ///
    /// Fails where a layer does not fit its input, with the layer's place in the settings.
    pub fn build(&self, input: &Input) -> Result<Box<dyn Module>> {
        self.build_at(input, &Path::root()).map_err(Error::from)
    }

    /// The model as a language model for so many tokens; nothing for other models.
    pub fn language(&self, vocabulary: usize) -> Option<Box<dyn LanguageModel>> {
        self.settings().language(vocabulary)
    }

    /// The number of tokens of a sample of a language model; nothing for other models.
    pub fn context(&self) -> Option<usize> {
        self.settings().context()
    }

    /// Whether it is a language model.
    pub fn is_language(&self) -> bool {
        self.context().is_some()
    }

    /// The layers that the model is made of, in order, for this input; none where it is not made of layers.
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

/// Layers after one another: each of `layers`, or the short form of a perceptron, `hidden`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SequentialSpec {
    /// The layers, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("x-expected" = "a list of at least one layer", "examples" = [[{ "type": "linear", "out": 64 }, "relu"]]))]
    pub layers: Option<Vec<LayerSpec>>,
    /// Instead of `layers`: the widths of the hidden layers, each a linear layer with an activation; the data says how
    /// wide the last layer is. An empty list makes a linear model.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Counts>", extend("examples" = [[64, 64]]))]
    pub hidden: Option<Vec<usize>>,
    /// The activation behind each hidden layer; without it, `relu`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "LayerSpec::activations")]
    pub activation: Option<LayerSpec>,
    /// The probability of dropout behind each activation; without it, none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Fraction>")]
    pub dropout: Option<f64>,
    /// The initialization of layers that do not say it themselves; without it, PyTorch's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<InitSpec>,
}

impl SequentialSpec {
    /// Each layer written out.
    pub fn layers(layers: impl Into<Vec<LayerSpec>>) -> Self {
        SequentialSpec {
            layers: Some(layers.into()),
            ..SequentialSpec::default()
        }
    }

    /// A perceptron with hidden layers of these widths, each with ReLU.
    pub fn hidden(widths: impl Into<Vec<usize>>) -> Self {
        SequentialSpec {
            hidden: Some(widths.into()),
            ..SequentialSpec::default()
        }
    }

    /// The layers, with the short form written out.
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
        // The short form is for flat samples; images are laid flat first.
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

    /// Sets what is not set.
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
                "the last layer gives {shape:?} for each sample, but the data needs {needed}{flat}"
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

/// A model of tokens takes them from the data.
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
