//! Initialization in a configuration.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{
    Gain, constant, fans, identity, kaiming_normal, kaiming_uniform, lecun_normal, lecun_uniform,
    normal, ones, orthogonal, truncated_normal, uniform, xavier_normal, xavier_uniform, zeros,
};
use crate::graph::Init;
use crate::nn::{Initialized, Module};
use crate::schema::{Kind, Path, SettingError, kinds, range};

/// The settings of an initialization.
pub(crate) trait Settings {
    /// Returns the initialization of a weight of this shape.
    fn of(&self, shape: &[usize]) -> Init;
}

kinds! {
    /// An initialization in a configuration: its kind and its settings.
    ///
    /// It applies to weights, the parameters of two or more axes. Biases then start at 0.
    pub enum InitSpec by "type" as dyn Settings, Kind::of("init", "init \"{}\"");
    "xavier_uniform" => XavierUniform(XavierUniformSpec),
    "xavier_normal" => XavierNormal(XavierNormalSpec),
    "kaiming_uniform" => KaimingUniform(KaimingUniformSpec),
    "kaiming_normal" => KaimingNormal(KaimingNormalSpec),
    "lecun_uniform" => LecunUniform(LecunUniformSpec),
    "lecun_normal" => LecunNormal(LecunNormalSpec),
    "orthogonal" => Orthogonal(OrthogonalSpec),
    "identity" => Identity(IdentitySpec),
    "normal" => Normal(NormalSpec),
    "truncated_normal" => TruncatedNormal(TruncatedNormalSpec),
    "uniform" => Uniform(UniformSpec),
    "constant" => Constant(ConstantSpec),
    "zeros" => Zeros(ZerosSpec),
    "ones" => Ones(OnesSpec),
}

impl InitSpec {
    /// Returns the initialization of a weight of this shape.
    ///
    /// # Example
    /// ```
    /// use wgrad::nn::{InitSpec, init};
    ///
    /// let spec: InitSpec = serde_json::from_str(r#"{ "type": "normal", "std": 0.02 }"#)?;
    /// assert_eq!(spec.of(&[8, 4]), init::normal(0.0, 0.02));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn of(&self, shape: &[usize]) -> Init {
        self.settings().of(shape)
    }

    /// Returns the module with its weights initialized by this rule.
    pub fn apply(&self, module: impl Module + 'static) -> Box<dyn Module> {
        let own = self.clone();
        Box::new(Initialized::new(module, move |shape| own.of(shape)))
    }

    /// Checks constraints between settings; `at` is their place in the configuration.
    pub(crate) fn conflicts(&self, at: &Path) -> Result<(), SettingError> {
        let (low, high) = match self {
            InitSpec::Uniform(s) => (s.low, s.high),
            InitSpec::TruncatedNormal(s) => (s.low, s.high),
            _ => return Ok(()),
        };
        match low < high {
            true => Ok(()),
            false => {
                let message =
                    format!("expected `low` below `high`, found low = {low}, high = {high}");
                let error = SettingError::new(at.key("low"), message);
                Err(error.help("for example: low = -0.1, high = 0.1"))
            }
        }
    }
}

/// The gain of an initialization: a number, or the name of the activation after the weight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum GainSpec {
    /// The factor, above 0.
    Factor(f64),
    /// The gain of an activation.
    Activation(GainName),
}

/// The name of an activation that has a gain; see [`Gain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GainName {
    /// 1.
    Linear,
    /// 1.
    Sigmoid,
    /// 5/3.
    Tanh,
    /// `sqrt(2)`.
    Relu,
    /// The gain of a slope of 0.01.
    LeakyRelu,
    /// 3/4.
    Selu,
}

impl GainSpec {
    /// Returns the factor.
    pub fn value(self) -> f32 {
        match self {
            GainSpec::Factor(factor) => factor as f32,
            GainSpec::Activation(name) => match name {
                GainName::Linear => Gain::Linear,
                GainName::Sigmoid => Gain::Sigmoid,
                GainName::Tanh => Gain::Tanh,
                GainName::Relu => Gain::Relu,
                GainName::LeakyRelu => Gain::LeakyRelu(0.01),
                GainName::Selu => Gain::Selu,
            }
            .value(),
        }
    }
}

impl JsonSchema for GainSpec {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Gain".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "number", "exclusiveMinimum": 0 },
                {
                    "type": "string",
                    "enum": ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"],
                    "x-what": "gain"
                }
            ]
        })
    }
}

/// The fan that determines the variance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FanMode {
    /// The number of inputs.
    #[default]
    FanIn,
    /// The number of outputs.
    FanOut,
}

impl FanMode {
    fn of(self, shape: &[usize]) -> usize {
        let (inputs, outputs) = fans(shape);
        match self {
            FanMode::FanIn => inputs,
            FanMode::FanOut => outputs,
        }
    }
}

fn plain() -> GainSpec {
    GainSpec::Factor(1.0)
}

fn of_relu() -> GainSpec {
    GainSpec::Activation(GainName::Relu)
}

macro_rules! inits {
    ($($(#[$doc:meta])* $name:ident { $($key:tt)* } |$self:ident, $shape:ident| $init:expr;)*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($key)*
        }

        impl Settings for $name {
            fn of(&$self, $shape: &[usize]) -> Init {
                $init
            }
        })*
    };
}

inits! {
    /// Uniform in `±gain sqrt(6 / (fan_in + fan_out))`; see [`xavier_uniform`].
    XavierUniformSpec {
        /// The gain of the activation after the weight.
        #[serde(default = "plain")]
        pub gain: GainSpec,
    } |self, shape| {
        let (inputs, outputs) = fans(shape);
        xavier_uniform(inputs, outputs, self.gain.value())
    };
    /// Normal with standard deviation `gain sqrt(2 / (fan_in + fan_out))`; see [`xavier_normal`].
    XavierNormalSpec {
        /// The gain of the activation after the weight.
        #[serde(default = "plain")]
        pub gain: GainSpec,
    } |self, shape| {
        let (inputs, outputs) = fans(shape);
        xavier_normal(inputs, outputs, self.gain.value())
    };
    /// Uniform in `±gain sqrt(3 / fan)`; see [`kaiming_uniform`].
    KaimingUniformSpec {
        /// The gain of the activation after the weight.
        #[serde(default = "of_relu")]
        pub gain: GainSpec,
        /// The fan that determines the variance.
        #[serde(default)]
        pub mode: FanMode,
    } |self, shape| kaiming_uniform(self.mode.of(shape), self.gain.value());
    /// Normal with standard deviation `gain / sqrt(fan)`; see [`kaiming_normal`].
    KaimingNormalSpec {
        /// The gain of the activation after the weight.
        #[serde(default = "of_relu")]
        pub gain: GainSpec,
        /// The fan that determines the variance.
        #[serde(default)]
        pub mode: FanMode,
    } |self, shape| kaiming_normal(self.mode.of(shape), self.gain.value());
    /// Uniform in `±sqrt(3 / fan_in)`; see [`lecun_uniform`].
    LecunUniformSpec {} |self, shape| lecun_uniform(fans(shape).0);
    /// Normal, truncated at two standard deviations, with standard deviation `sqrt(1 / fan_in)`.
    ///
    /// See [`lecun_normal`].
    LecunNormalSpec {} |self, shape| lecun_normal(fans(shape).0);
    /// A random orthogonal matrix; see [`orthogonal`].
    OrthogonalSpec {
        /// The gain of the activation after the weight.
        #[serde(default = "plain")]
        pub gain: GainSpec,
    } |self, _shape| orthogonal(self.gain.value());
    /// The identity matrix; see [`identity`].
    IdentitySpec {} |self, _shape| identity();
    /// A normal distribution.
    NormalSpec {
        /// The standard deviation.
        #[schemars(with = "range::Positive", example = 0.02)]
        pub std: f64,
        /// The mean.
        #[serde(default)]
        #[schemars(with = "range::Number")]
        pub mean: f64,
    } |self, _shape| normal(self.mean as f32, self.std as f32);
    /// A normal distribution restricted to `low` to `high`; see [`truncated_normal`].
    TruncatedNormalSpec {
        /// The standard deviation.
        #[schemars(with = "range::Positive", example = 0.02)]
        pub std: f64,
        /// The mean.
        #[serde(default)]
        #[schemars(with = "range::Number")]
        pub mean: f64,
        /// The lower bound.
        #[serde(default = "default_low")]
        #[schemars(with = "range::Number")]
        pub low: f64,
        /// The upper bound.
        #[serde(default = "default_high")]
        #[schemars(with = "range::Number")]
        pub high: f64,
    } |self, _shape| truncated_normal(
        self.mean as f32,
        self.std as f32,
        self.low as f32,
        self.high as f32,
    );
    /// A uniform distribution between `low` and `high`.
    UniformSpec {
        /// The lower bound.
        #[schemars(with = "range::Number", extend("examples" = [-0.1]))]
        pub low: f64,
        /// The upper bound.
        #[schemars(with = "range::Number", extend("examples" = [0.1]))]
        pub high: f64,
    } |self, _shape| uniform(self.low as f32, self.high as f32);
    /// A constant.
    ConstantSpec {
        /// The value of all elements.
        #[schemars(with = "range::Number", example = 0.1)]
        pub value: f64,
    } |self, _shape| constant(self.value as f32);
    /// All 0.
    ZerosSpec {} |self, _shape| zeros();
    /// All 1.
    OnesSpec {} |self, _shape| ones();
}

fn default_low() -> f64 {
    -2.0
}

fn default_high() -> f64 {
    2.0
}
