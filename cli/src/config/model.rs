//! `[model]`: the network.

use super::init::{self, Init};
use super::language::Language;
use super::layer::{self, Layer};
use super::mistake::Result;
use super::reader::{Section, fraction, or};
use super::write::{Lines, number, string};

/// The network.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// `layers = [...]`: each layer written out.
    Layers {
        /// One after the other.
        layers: Vec<Layer>,
        /// What the weights of layers begin with that do not say it themselves.
        init: Option<Init>,
    },
    /// `hidden = [64, 64]`: linear layers with an activation (and dropout) after each hidden one;
    /// the last layer's width comes from the data.
    Mlp {
        /// The widths of the hidden layers; empty for a linear model.
        hidden: Vec<usize>,
        /// What follows each hidden layer.
        activation: Layer,
        /// Dropout after each activation; 0 for none.
        dropout: f64,
        /// What all weights begin with.
        init: Option<Init>,
    },
    /// `type = "gpt"` or `"llama"`: a language model.
    Language(Language),
}

impl Model {
    /// The layers, written out, for data with this many outputs (classes, or target columns).
    pub fn layers(&self, outputs: usize) -> Vec<Layer> {
        match self {
            Model::Layers { layers, .. } => layers.clone(),
            Model::Language(_) => Vec::new(),
            Model::Mlp {
                hidden,
                activation,
                dropout,
                ..
            } => {
                let mut layers = Vec::new();
                for &out in hidden {
                    layers.push(layer::linear(out));
                    layers.push(activation.clone());
                    if *dropout > 0.0 {
                        layers.push(layer::dropout(*dropout));
                    }
                }
                layers.push(layer::linear(outputs));
                layers
            }
        }
    }

    /// What all weights begin with, where no layer says otherwise.
    pub fn init(&self) -> Option<&Init> {
        match self {
            Model::Layers { init, .. } | Model::Mlp { init, .. } => init.as_ref(),
            Model::Language(_) => None,
        }
    }

    /// Writes the section.
    pub fn write(&self, out: &mut Lines) {
        out.section("model");
        if !matches!(self, Model::Language(_)) {
            out.set("type", string("sequential"));
        }
        if let Some(init) = self.init() {
            out.set("init", init.write_short());
        }
        match self {
            Model::Language(model) => model.write(out),
            Model::Layers { layers, .. } => out.set("layers", layer::write_list(layers, 0)),
            Model::Mlp {
                hidden,
                activation,
                dropout,
                ..
            } => {
                out.set("hidden", format!("{hidden:?}"));
                out.set("activation", activation.write(0));
                out.set("dropout", number(*dropout));
            }
        }
    }
}

/// Reads the section.
pub fn read(section: &Section<'_>) -> Result<Model> {
    /// How a type's section is read.
    type Read = fn(&Section<'_>) -> Result<Model>;
    if let Some(kind) = section.get("type") {
        let types: [(&str, Read); 3] = [
            ("sequential", sequential),
            ("gpt", |section| {
                Ok(Model::Language(Language::gpt(section)?))
            }),
            ("llama", |section| {
                Ok(Model::Language(Language::llama(section)?))
            }),
        ];
        return kind.choice("model type", &types)?(section);
    }
    sequential(section)
}

fn sequential(section: &Section<'_>) -> Result<Model> {
    section.takes(&["type", "layers", "hidden", "activation", "dropout", "init"])?;
    let init = section.get("init").map(init::read).transpose()?;
    let Some(layers) = section.get("layers") else {
        let hidden = section
            .require("hidden", "hidden = [64, 64]")
            .map_err(|e| {
                e.help("give hidden = [64, 64], or layers = [{ type = \"linear\", out = 64 }, ...]")
            })?
            .items()?;
        return Ok(Model::Mlp {
            hidden: hidden
                .iter()
                .map(|v| v.count(1))
                .collect::<Result<Vec<_>>>()?,
            activation: or(
                Some(section),
                "activation",
                layer::relu(),
                layer::activation,
            )?,
            dropout: or(Some(section), "dropout", 0.0, fraction)?,
            init,
        });
    };
    for key in ["hidden", "activation", "dropout"] {
        if let Some(value) = section.get(key) {
            return Err(value
                .place()
                .error(format!("`{key}` and `layers` exclude each other"))
                .help("`layers` writes out each layer, `hidden` is the short form"));
        }
    }
    let layers = layer::list(layers)?;
    Ok(Model::Layers { layers, init })
}
