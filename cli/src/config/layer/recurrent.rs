//! Recurrent layers, for sequences `[time, features]`.

use wgrad::nn;

use super::{INIT, Kind};
use crate::config::key::{Key, Setting, Takes};

pub(super) static KINDS: &[&Kind] = &[&RNN, &LSTM, &GRU];

const KEYS: &[Key] = &[
    Key::needed("hidden", Takes::Count(1), "64"),
    Key::or("layers", Takes::Count(1), || Setting::Count(1)),
    Key::or("bidirectional", Takes::Flag, || Setting::Flag(false)),
    Key::or("bias", Takes::Flag, || Setting::Flag(true)),
    // Between the layers.
    Key::or("dropout", Takes::Fraction, || Setting::Number(0.0)),
    // Only the last state of the sequence.
    Key::or("last", Takes::Flag, || Setting::Flag(false)),
    INIT,
];

macro_rules! recurrent {
    ($kind:ident $name:literal $layer:ident) => {
        static $kind: Kind = Kind {
            name: $name,
            keys: KEYS,
            build: |layer, shape| {
                let [_, inputs] = *shape else {
                    return Err("it takes sequences, [time, features]".to_string().into());
                };
                let mut recurrent = nn::$layer::new(inputs, layer.count("hidden"))
                    .layers(layer.count("layers"))
                    .dropout(layer.number("dropout"));
                if layer.flag("bidirectional") {
                    recurrent = recurrent.bidirectional();
                }
                if !layer.flag("bias") {
                    recurrent = recurrent.without_bias();
                }
                if layer.flag("last") {
                    recurrent = recurrent.last();
                }
                Ok(Box::new(recurrent))
            },
        };
    };
}
recurrent!(RNN "rnn" Rnn);
recurrent!(LSTM "lstm" Lstm);
recurrent!(GRU "gru" Gru);
