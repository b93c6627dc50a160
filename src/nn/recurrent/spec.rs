//! The recurrent layers of a configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Gru, Lstm, Rnn};
use crate::nn::{InitSpec, Module, Settings, Unfit, spec::yes};
use crate::schema::{Path, range};

macro_rules! recurrent_spec {
    ($spec:ident $layer:ident) => {
        #[doc = concat!("A recurrent layer for sequences `[time, features]`; see [`", stringify!($layer), "`].")]
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $spec {
            /// The number of features of the state.
            #[schemars(with = "range::Count<1>", example = 64)]
            pub hidden: usize,
            /// The number of layers, each applied to the output of the one before.
            #[serde(default = "crate::nn::spec::one")]
            #[schemars(with = "range::Count<1>")]
            pub layers: usize,
            /// Whether there is a second direction, from the end to the beginning.
            #[serde(default)]
            pub bidirectional: bool,
            /// Whether the layers have biases.
            #[serde(default = "yes")]
            pub bias: bool,
            /// The probability of dropout on the output of each layer but the last.
            #[serde(default)]
            #[schemars(with = "range::Fraction")]
            pub dropout: f64,
            /// Whether to return only the last state of each sequence.
            #[serde(default)]
            pub last: bool,
            /// The initialization of the weights. Default: PyTorch's.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub init: Option<InitSpec>,
        }

        impl Settings for $spec {
            fn build(
                &self,
                sample: &[usize],
                _: &Path,
            ) -> std::result::Result<Box<dyn Module>, Unfit> {
                let [_, inputs] = *sample else {
                    return Err("it takes sequences, [time, features]".to_string().into());
                };
                let mut layer = $layer::new(inputs, self.hidden)
                    .layers(self.layers)
                    .dropout(self.dropout);
                if self.bidirectional {
                    layer = layer.bidirectional();
                }
                if !self.bias {
                    layer = layer.without_bias();
                }
                if self.last {
                    layer = layer.last();
                }
                Ok(Box::new(layer))
            }

            fn init(&self) -> Option<&InitSpec> {
                self.init.as_ref()
            }
        }
    };
}

recurrent_spec!(RnnSpec Rnn);
recurrent_spec!(LstmSpec Lstm);
recurrent_spec!(GruSpec Gru);
