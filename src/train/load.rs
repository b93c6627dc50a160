//! Loading weights from a file: a checkpoint, or any safetensors file with `state_dict` names.

use std::fmt;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};

use crate::checkpoint::SafetensorsFile;
use crate::graph::Role;
use crate::{Result, Shape};

use super::mapping::{Rule, mapped};
use super::spec::{EMA, matches, state_name};
use super::state::Weights;
use super::trainer::Trainer;

/// The prefix of optimizer states in a checkpoint, which are not part of a model.
const OPTIMIZER: &str = "optimizer.";

/// How weights are loaded from a file.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
/// use wgrad::train::Load;
///
/// let build = |classes| {
///     let model = nn::Sequential::new()
///         .add(nn::Linear::new(4, 8))
///         .add(nn::Linear::new(8, classes));
///     Trainer::new(model).compile_for(&Device::cpu(), [4])
/// };
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("weights.safetensors");
/// build(3)?.save_weights(&path)?;
///
/// // The same model with another number of classes.
/// let report = build(5)?.load(&path, &Load::lenient())?;
/// assert_eq!(report.loaded, ["0.weight", "0.bias"]);
/// assert_eq!(report.other_shape.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    lenient: bool,
    averaged: bool,
    only: Vec<String>,
    except: Vec<String>,
    renamed: Vec<(String, String)>,
    rules: Vec<Rule>,
    not_finite: bool,
}

impl Load {
    /// Requires the same tensors with the same shapes in the file and the model.
    pub fn strict() -> Self {
        Load::default()
    }

    /// Loads the tensors that fit. The others keep their values, and are listed in the report.
    pub fn lenient() -> Self {
        Load {
            lenient: true,
            ..Load::default()
        }
    }

    /// Loads only the model's tensors whose names match `pattern`; `*` matches any text. May be
    /// called several times.
    pub fn only(mut self, pattern: &str) -> Self {
        self.only.push(pattern.to_string());
        self
    }

    /// Excludes the model's tensors whose names match `pattern`; `*` matches any text: `"head.*"`
    /// for a new head.
    pub fn except(mut self, pattern: &str) -> Self {
        self.except.push(pattern.to_string());
        self
    }

    /// Renames the tensors of the file whose names start with `from`: the prefix is replaced by
    /// `to`, as in `rename("bert.", "encoder.")`. The first matching rule counts.
    pub fn rename(mut self, from: &str, to: &str) -> Self {
        self.renamed.push((from.to_string(), to.to_string()));
        self
    }

    /// Maps tensors of the file whose names match `from` to tensors of the model. Each `*` matches
    /// any text, and those of `to` are replaced by the texts of `from`, in order.
    ///
    /// The first matching rule counts, of this method and of [`Load::join`], [`Load::split`] and
    /// [`Load::skip`]. They apply to the names after [`Load::rename`].
    ///
    /// # Example
    /// ```
    /// use wgrad::train::Load;
    ///
    /// let from = "model.layers.*.mlp.*_proj.weight";
    /// let how = Load::strict().map(from, "blocks.*.feed_forward.*_proj.weight");
    /// # let _ = how;
    /// ```
    pub fn map(mut self, from: &str, to: &str) -> Self {
        let (from, to) = (from.to_string(), to.to_string());
        self.rules.push(Rule::Rename { from, to });
        self
    }

    /// Concatenates tensors of the file along their rows into one tensor of the model, for example
    /// queries, keys and values into a fused weight. `*` works as in [`Load::map`]; it matches the
    /// same text in all of `from`.
    pub fn join<'a>(mut self, from: impl IntoIterator<Item = &'a str>, to: &str) -> Self {
        let (from, to) = (
            from.into_iter().map(str::to_string).collect(),
            to.to_string(),
        );
        self.rules.push(Rule::Join { from, to });
        self
    }

    /// Splits a tensor of the file by its rows into several of the model, for example a fused
    /// weight into queries, keys and values. Each gets the number of rows that it has in the model.
    /// `*` works as in [`Load::map`].
    pub fn split<'a>(mut self, from: &str, to: impl IntoIterator<Item = &'a str>) -> Self {
        let (from, to) = (
            from.to_string(),
            to.into_iter().map(str::to_string).collect(),
        );
        self.rules.push(Rule::Split { from, to });
        self
    }

    /// Ignores tensors of the file whose names match `from`; `*` matches any text:
    /// `"*.rotary_emb.inv_freq"`.
    pub fn skip(mut self, from: &str) -> Self {
        let from = from.to_string();
        self.rules.push(Rule::Skip { from });
        self
    }

    /// Maps the names of a Llama on Hugging Face (`LlamaForCausalLM`) to those of
    /// [`nn::Llama`](crate::nn::Llama). Queries, keys and values are concatenated. If the model is
    /// [tied](crate::nn::LlamaConfig::tied) and the file has a head, ignore the head first:
    /// `Load::strict().skip("lm_head.weight").hugging_face_llama()`.
    pub fn hugging_face_llama(self) -> Self {
        let (block, own) = ("model.layers.*", "blocks.*");
        let projections = ["q", "k", "v"].map(|p| format!("{block}.self_attn.{p}_proj.weight"));
        let map = |how: Load, from: &str, to: &str| {
            how.map(
                &format!("{block}.{from}.weight"),
                &format!("{own}.{to}.weight"),
            )
        };
        let how = self
            .map("model.embed_tokens.weight", "tokens.weight")
            .map("model.norm.weight", "norm.weight")
            .map("lm_head.weight", "head.weight")
            .skip("*.rotary_emb.inv_freq")
            .join(
                projections.iter().map(String::as_str),
                &format!("{own}.self_attn.in_proj_weight"),
            );
        let how = map(how, "self_attn.o_proj", "self_attn.out_proj");
        let how = map(how, "mlp.*_proj", "feed_forward.*_proj");
        let how = map(how, "input_layernorm", "norm1");
        map(how, "post_attention_layernorm", "norm2")
    }

    /// Accepts weights that are NaN or infinite, which are an error by default.
    pub fn allow_non_finite(mut self) -> Self {
        self.not_finite = true;
        self
    }

    /// Loads the moving average of each weight, if the file is a checkpoint with averages; see
    /// [`TrainerBuilder::ema`](super::TrainerBuilder::ema).
    pub fn averaged(mut self) -> Self {
        self.averaged = true;
        self
    }

    /// Returns the model's name for a tensor of the file.
    fn name(&self, name: &str) -> String {
        let mut fits = self.renamed.iter();
        let renamed = fits.find_map(|(from, to)| Some(format!("{to}{}", name.strip_prefix(from)?)));
        renamed.unwrap_or_else(|| name.to_string())
    }

    /// Returns whether a tensor of this name is to be loaded.
    fn asks_for(&self, name: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|p| matches(p, name));
        (self.only.is_empty() || any(&self.only)) && !any(&self.except)
    }
}

/// A tensor whose shape or element type in the file does not fit.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherShape {
    /// Its name in the model.
    pub name: String,
    /// Its element type and shape in the file.
    pub file: String,
    /// Its shape in the model.
    pub model: Shape,
}

/// The result of loading weights. `Display` formats it as a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadReport {
    /// The loaded tensors, by the model's names.
    pub loaded: Vec<String>,
    /// The tensors of the model that are missing in the file.
    pub missing: Vec<String>,
    /// The tensors of the file that are not in the model.
    pub unexpected: Vec<String>,
    /// The tensors with another shape.
    pub other_shape: Vec<OtherShape>,
}

impl LoadReport {
    /// Returns whether the file and the model have the same tensors.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.other_shape.is_empty()
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tensors loaded", self.loaded.len())?;
        let mut list = |title: &str, names: &[String]| match names.is_empty() {
            true => Ok(()),
            false => write!(f, "\n  {title}: {}", names.join(", ")),
        };
        list("missing in the file", &self.missing)?;
        list("unexpected in the file", &self.unexpected)?;
        let shapes = self.other_shape.iter();
        let shapes: Vec<String> = shapes
            .map(|o| format!("{} is {}, in the model {}", o.name, o.file, o.model))
            .collect();
        list("of another shape", &shapes)
    }
}

/// Loads the `wanted` variables, given by index, from a file. Those of `optional` may be missing.
pub(super) fn load(
    path: &Path,
    weights: &mut Weights,
    how: &Load,
    (wanted, optional): (impl Fn(usize) -> bool, &[usize]),
) -> Result<LoadReport> {
    let opened = SafetensorsFile::read(path)?;
    let file = opened.tensors()?;
    let mut all: Vec<(String, TensorView)> = file
        .iter()
        .filter(|(name, _)| !name.starts_with(OPTIMIZER))
        .map(|(name, tensor)| {
            let average = file.tensor(&state_name(EMA, name)).ok();
            let tensor = average.filter(|_| how.averaged).unwrap_or(tensor);
            (how.name(name), tensor)
        })
        .collect();
    // The tensors of a file have no order, so an error names the first by name.
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let rows = |name: &str| {
        let index = weights.find(name)?;
        let shape = weights.variables.get(index)?.shape();
        Some(shape.first().copied().unwrap_or(1))
    };
    let mut tensors =
        mapped(all.into_iter(), &how.rules, rows).map_err(|reason| opened.refuse(reason))?;
    if let Some(twice) = tensors.windows(2).find(|t| t[0].0 == t[1].0) {
        return Err(opened.refuse(format!("has two tensors for {}", twice[0].0)));
    }
    let mut report = LoadReport::default();
    let mut words = weights.words.clone();
    for (i, (v, words)) in weights.variables.iter().zip(&mut words).enumerate() {
        let of_model = matches!(v.role, Role::Parameter | Role::Buffer) && wanted(i);
        if !of_model {
            continue;
        }
        let found = tensors.binary_search_by(|t| t.0.as_str().cmp(&v.name));
        let tensor = found.ok().map(|at| tensors.remove(at).1);
        match tensor {
            _ if !how.asks_for(&v.name) => {}
            None if optional.contains(&i) => {}
            None => report.missing.push(v.name.clone()),
            Some(tensor) => match tensor.numbers(numbers) {
                Some(numbers) if tensor.shape() == v.shape().dims() => {
                    if !how.not_finite {
                        finite(&v.name, &numbers).map_err(|reason| {
                            opened
                                .refuse(format!("{reason}; `Load::allow_non_finite` accepts them"))
                        })?;
                    }
                    *words = numbers;
                    report.loaded.push(v.name.clone());
                }
                _ => report.other_shape.push(OtherShape {
                    name: v.name.clone(),
                    file: tensor.described(),
                    model: v.shape().clone(),
                }),
            },
        }
    }
    let left = tensors.into_iter().map(|(name, _)| name);
    report.unexpected = left.filter(|name| how.asks_for(name)).collect();
    if !how.lenient && !report.is_complete() {
        return Err(opened.refuse(format!("does not fit the model: {report}")));
    }
    weights.words = words;
    weights.restart_averages();
    // A checkpoint with averages has its own; otherwise they restart.
    for (i, of) in weights.averages() {
        let (Some(v), Some(of)) = (weights.variables.get(i), weights.variables.get(of)) else {
            continue;
        };
        let tensor = file.tensor(&v.name).ok();
        let fits =
            tensor.filter(|t| t.shape() == v.shape().dims() && report.loaded.contains(&of.name));
        if let Some(words) = fits.and_then(|t| numbers(&t)) {
            weights.set(i, words);
        }
    }
    Ok(report)
}

/// Loads all weights of a model from a file that contains exactly these, and possibly optimizer
/// states.
pub(crate) fn load_model(path: &Path, weights: &mut Weights) -> Result<()> {
    load(path, weights, &Load::strict().averaged(), (|_| true, &[])).map(drop)
}

/// Returns an error if numbers are NaN or infinite; the reason names the first.
pub(super) fn finite(name: &str, words: &[u32]) -> std::result::Result<(), String> {
    let number = |w: &u32| f32::from_bits(*w);
    let mut wrong = words.iter().map(number).enumerate();
    let Some((i, value)) = wrong.find(|(_, v)| !v.is_finite()) else {
        return Ok(());
    };
    let others = wrong.filter(|(_, v)| !v.is_finite()).count();
    let more = match others {
        0 => String::new(),
        n => format!(" (and {n} more are not finite)"),
    };
    Err(format!(
        "element {i} of {name} is {value}{more}; expected finite numbers"
    ))
}

/// Converts the elements, of any numeric type, to the words of `f32`.
fn numbers(tensor: &TensorView) -> Option<Vec<u32>> {
    let data = tensor.data();
    /// Reads the little-endian elements of a type.
    macro_rules! elements {
        ($type:ty, $value:expr) => {{
            let value: fn($type) -> f32 = $value;
            let all = data
                .chunks_exact(size_of::<$type>())
                .filter_map(|c| c.try_into().ok());
            all.map(|c| value(<$type>::from_le_bytes(c)).to_bits())
                .collect()
        }};
    }
    Some(match tensor.dtype() {
        Dtype::F32 => elements!(f32, |v| v),
        Dtype::F64 => elements!(f64, |v| v as f32),
        Dtype::F16 => elements!(half::f16, half::f16::to_f32),
        Dtype::BF16 => elements!(half::bf16, half::bf16::to_f32),
        Dtype::I64 => elements!(i64, |v| v as f32),
        Dtype::I32 => elements!(i32, |v| v as f32),
        Dtype::U8 | Dtype::BOOL => elements!(u8, f32::from),
        _ => return None,
    })
}

impl Trainer {
    /// Loads the model's weights from a checkpoint, or any safetensors file with the same names, of
    /// any numeric type. A training in progress continues with them.
    ///
    /// The file must contain exactly the model's tensors, with their shapes; [`Trainer::load`]
    /// accepts less.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.load(path, &Load::strict()).map(drop)
    }

    /// Loads weights as `how` defines, and reports which were loaded.
    ///
    /// For transfer learning, use the same layers with the same names, a new head of another shape,
    /// and `Load::lenient()`.
    pub fn load(&mut self, path: impl AsRef<Path>, how: &Load) -> Result<LoadReport> {
        let adapters = self.adapters();
        // Files that were saved without adapters fit as well.
        let optional = (|_| true, &adapters[..]);
        self.change_weights(|weights| load(path.as_ref(), weights, how, optional))
    }
}
