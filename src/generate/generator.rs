//! A language model with its key-value caches on a device.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use crate::device::Device;
use crate::exec::{Executor, Program};
use crate::graph::{Graph, Mode, Output, Role, Variable};
use crate::nn::{KvCaches, LanguageModel, Module, Visitor, declare};
use crate::plan::{Layout, Plan, plan};
use crate::random::Stream;
use crate::train::{Trainer, Weights, load_model};
use crate::{DType, Error, Result, Tensor};

use super::Sampling;

/// The names of a graph's inputs: the tokens, and the position of the (last) one.
const TOKENS: &str = "tokens";
const PLACE: &str = "place";

/// The shortest prompt that has its own plan to be processed at once.
const SHORTEST: usize = 16;

/// A language model with its key-value caches on a device. It processes tokens and returns the
/// scores of the next one.
///
/// A text may be longer than the model's context. When the context is full, the last half of it is
/// processed again as the start of a text, and the rest is dropped.
///
/// Everything is allocated and compiled on creation.
///
/// # Example
/// ```
/// use wgrad::generate::{Generator, Sampling};
/// use wgrad::{Device, nn};
///
/// let config = nn::GptConfig {
///     vocabulary: 10, context: 8, blocks: 1, heads: 1, width: 8,
///     ..Default::default()
/// };
/// let mut generator = Generator::new(nn::Gpt::new(config), &Device::cpu())?;
/// generator.start(&[1, 2, 3])?;
/// assert_eq!(generator.scores().len(), 10);
/// let tokens = generator.generate(&[1], Sampling::greedy())?.take(20);
/// let tokens: wgrad::Result<Vec<u32>> = tokens.collect();
/// assert_eq!(tokens?.len(), 20); // longer than the context
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Generator {
    executor: Box<dyn Executor>,
    /// The plan that processes one more token, then those that process prompts, by length.
    plans: Vec<(usize, Arc<Plan>)>,
    weights: Weights,
    context: usize,
    vocabulary: usize,
    /// The tokens in the caches.
    tokens: Vec<u32>,
    scores: Vec<f32>,
}

/// A model and its caches, whose variables are those of all plans.
struct Cached {
    model: Box<dyn LanguageModel>,
    caches: KvCaches,
}

/// A module, so that the parameters are declared together.
impl Module for Cached {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.model.forward(x)
    }
    fn visit(&self, visitor: &mut Visitor) {
        self.model.visit(visitor);
        visitor.child("cache", &Names(&self.caches));
    }
}

/// The names of the caches.
struct Names<'a>(&'a KvCaches);

impl Module for Names<'_> {
    fn forward(&self, x: &Tensor) -> Tensor {
        x.clone()
    }
    fn visit(&self, visitor: &mut Visitor) {
        self.0.visit(visitor);
    }
}

impl Generator {
    /// Creates a generator with initial weights. [`load_weights`](Self::load_weights) or
    /// [`copy_weights`](Self::copy_weights) replaces them.
    ///
    /// # Errors
    ///
    /// Returns an error if the shapes in the model do not match, or the model exceeds the device.
    pub fn new(model: impl LanguageModel + 'static, device: &Device) -> Result<Self> {
        Self::boxed(Box::new(model), device)
    }

    /// Creates a generator for a model that is created at run time.
    pub fn boxed(model: Box<dyn LanguageModel>, device: &Device) -> Result<Self> {
        let (context, vocabulary) = (model.context(), model.vocabulary());
        for (what, size) in [("the context", context), ("the vocabulary", vocabulary)] {
            if size == 0 {
                return Err(Error::argument(what, size, "at least 1"));
            }
        }
        let own = variables(&model).len();
        let caches = KvCaches::new(context, &model.caches());
        let all = Cached { model, caches };
        let variables = variables(&all);
        let layout = Layout::new(&variables);
        let limits = device.kernel_limits();
        let mut plans = Vec::new();
        for tokens in std::iter::once(0).chain(lengths(context)) {
            let graph = trace(&all, tokens)?;
            let plan = plan(&graph, &layout, &limits)?;
            plan.check(&layout, &limits, &device.name())?;
            plans.push((tokens, Arc::new(plan)));
        }
        let program = Program {
            layout: Arc::new(layout),
            plans: plans.iter().map(|(_, plan)| Arc::clone(plan)).collect(),
        };
        let mut weights = Weights::initial(&variables, 0)?;
        let mut executor = device.executor(program)?;
        weights.upload(executor.as_mut())?;
        // The caches are declared last; loading applies to the model's own variables.
        weights.variables.truncate(own);
        weights.words.truncate(own);
        Ok(Generator {
            executor,
            plans,
            weights,
            context,
            vocabulary,
            tokens: Vec::new(),
            scores: Vec::new(),
        })
    }

    /// Loads the model's weights from a checkpoint, or any safetensors file with the same names.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        load_model(path.as_ref(), &mut self.weights)?;
        self.upload()
    }

    /// Copies the weights of a trained model with the same names and shapes, with its adapters
    /// merged.
    pub fn copy_weights(&mut self, trainer: &mut Trainer) -> Result<()> {
        let theirs = trainer.merged_weights()?;
        for i in 0..self.weights.variables.len() {
            let Some(variable) = self.weights.variables.get(i) else {
                continue;
            };
            let found = theirs.iter().find(|(v, _)| v.name == variable.name);
            let reason = match found {
                Some((v, words)) if v.shape() == variable.shape() => {
                    self.weights.set(i, words.clone());
                    continue;
                }
                // A table follows from the model, and is the same in both.
                None if variable.role == Role::Table => continue,
                Some((v, _)) => format!("it is {}, but {} is needed", v.shape(), variable.shape()),
                None => "the trained model has no parameter of this name".to_string(),
            };
            return Err(Error::model(&variable.name, reason));
        }
        self.upload()
    }

    fn upload(&mut self) -> Result<()> {
        self.weights.upload(self.executor.as_mut())?;
        self.tokens.clear();
        self.scores.clear();
        Ok(())
    }

    /// Returns the largest number of tokens that the model processes at once.
    pub fn context(&self) -> usize {
        self.context
    }

    /// Returns the size of the vocabulary.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// Returns the tokens that the scores depend on: the last ones of the text, at most the
    /// context.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Returns the score (logit) of each token to be the next; empty before the first token.
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// Starts a text. If it is longer than the context, only its last tokens are processed.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is empty, or has a token outside the vocabulary.
    pub fn start(&mut self, text: &[u32]) -> Result<()> {
        if text.is_empty() {
            let expected = "at least 1: a text must begin with something";
            return Err(Error::argument(
                "the prompt's number of tokens",
                0,
                expected,
            ));
        }
        self.check(text)?;
        let from = text.len().saturating_sub(self.context);
        self.read_first(text.get(from..).unwrap_or_default().to_vec())
    }

    /// Processes one more token.
    ///
    /// # Errors
    ///
    /// Returns an error if the token is outside the vocabulary.
    pub fn push(&mut self, token: u32) -> Result<()> {
        self.check(&[token])?;
        let place = self.tokens.len();
        if place == 0 || place >= self.context {
            let half = (self.context / 2).max(1);
            let mut tokens = self
                .tokens
                .split_off((place + 1).saturating_sub(half).min(place));
            tokens.push(token);
            return self.read_first(tokens);
        }
        self.scores = self.run(0, &[token], place)?;
        self.tokens.push(token);
        Ok(())
    }

    /// Starts a text, and returns an endless iterator over the tokens that follow.
    pub fn generate(&mut self, prompt: &[u32], sampling: Sampling) -> Result<Generation<'_>> {
        sampling.check()?;
        self.start(prompt)?;
        Ok(Generation {
            random: Stream::new(sampling.seed),
            generator: self,
            sampling,
            drawn: None,
            stop: Vec::new(),
            ended: false,
        })
    }

    fn check(&self, tokens: &[u32]) -> Result<()> {
        let unknown = tokens.iter().find(|t| **t as usize >= self.vocabulary);
        unknown.map_or(Ok(()), |token| {
            let expected = format!("below the vocabulary's {}", self.vocabulary);
            Err(Error::argument("a token", token, expected))
        })
    }

    /// Processes tokens as the start of a text, all at once.
    fn read_first(&mut self, tokens: Vec<u32>) -> Result<()> {
        let n = tokens.len();
        let plan = self.plans.iter().position(|(length, _)| *length >= n);
        let (Some(plan), Some(last)) = (plan, n.checked_sub(1)) else {
            return Err(Error::internal(
                "generator",
                format!("no plan for {n} tokens"),
            ));
        };
        let length = self.plans.get(plan).map_or(n, |(length, _)| *length);
        let mut filled = tokens.clone();
        filled.resize(length, 0);
        // If processing fails, the caches contain no text.
        self.tokens.clear();
        self.scores = self.run(plan, &filled, last)?;
        self.tokens = tokens;
        Ok(())
    }

    fn run(&mut self, index: usize, tokens: &[u32], place: usize) -> Result<Vec<f32>> {
        let Some(plan) = self.plans.get(index).map(|(_, plan)| Arc::clone(plan)) else {
            return Err(Error::internal("generator", format!("no plan {index}")));
        };
        let place = [place as u32];
        let mut inputs: Vec<&[u32]> = Vec::with_capacity(plan.inputs.len());
        for port in &plan.inputs {
            inputs.push(match port.name.as_str() {
                TOKENS => tokens,
                PLACE => &place,
                name => {
                    let detail = format!("nothing feeds the input {name}");
                    return Err(Error::internal("generator", detail));
                }
            });
        }
        self.executor.run(index, &inputs)?;
        let port = plan.outputs.first().or(plan.results.first());
        let Some(port) = port else {
            return Err(Error::internal("generator", "a plan without scores"));
        };
        let words = self.executor.read_output(index, port)?;
        self.executor.results(true)?;
        Ok(words.into_iter().map(f32::from_bits).collect())
    }
}

/// Returns the prompt lengths that have a plan: the context, three quarters and half of it, and so
/// on. A shorter prompt is padded at its end, which the tokens before the padding do not attend to.
/// The padding is at most half of the prompt's length, for prompts longer than the shortest plan.
fn lengths(context: usize) -> Vec<usize> {
    let mut lengths = vec![context];
    let mut whole = context;
    while whole / 2 >= SHORTEST {
        let half = whole / 2;
        lengths.extend([whole - whole / 4, half]);
        whole = half;
    }
    lengths.reverse();
    lengths
}

fn variables(module: &dyn Module) -> Vec<Variable> {
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Eval)));
    declare(&graph, module);
    graph.replace(Graph::new(Mode::Eval)).variables
}

/// Traces the graph that processes the first `tokens` tokens of a text, or one more token if it is
/// 0.
fn trace(all: &Cached, tokens: usize) -> Result<Graph> {
    let shared = Rc::new(RefCell::new(Graph::new(Mode::Eval)));
    declare(&shared, all);
    let x = crate::ops::input(&shared, TOKENS, [1, tokens.max(1)], DType::U32);
    let place = crate::ops::input(&shared, PLACE, [1], DType::U32);
    let cached = match tokens {
        0 => all.caches.next(&place),
        _ => all.caches.start(&place),
    };
    let scores = all.model.forward_cached(&x, &cached);
    drop(cached);
    let mut graph = shared.replace(Graph::new(Mode::Eval));
    graph.take_error()?;
    let (have, want) = (scores_len(&graph, &scores), all.model.vocabulary());
    match scores.id() {
        Some(node) if have == want => {
            graph.outputs.push(Output {
                name: "scores".to_string(),
                node,
            });
            Ok(graph)
        }
        _ => Err(Error::model(
            "the model",
            format!("it gives {have} scores for a vocabulary of {want}"),
        )),
    }
}

fn scores_len(graph: &Graph, scores: &Tensor) -> usize {
    scores.id().map_or(0, |id| graph.meta(id).shape.len())
}

/// An endless iterator over the tokens that a [`Generator`] generates. Limit it with `take`, or
/// with [`stop_at`](Generation::stop_at).
pub struct Generation<'a> {
    generator: &'a mut Generator,
    sampling: Sampling,
    random: Stream,
    /// The last token, which is not processed yet; it is processed only if the next one is
    /// requested.
    drawn: Option<u32>,
    /// The tokens that end the text.
    stop: Vec<u32>,
    ended: bool,
}

impl Generation<'_> {
    /// Ends the text at any of these tokens, such as an end-of-text token, which is not returned.
    /// May be called several times.
    pub fn stop_at(mut self, tokens: &[u32]) -> Self {
        self.stop.extend_from_slice(tokens);
        self
    }

    fn draw(&mut self) -> Result<u32> {
        if let Some(token) = self.drawn.take() {
            self.generator.push(token)?;
        }
        let generator = &self.generator;
        let token = self
            .sampling
            .draw(generator.scores(), generator.tokens(), &mut self.random)?;
        self.drawn = Some(token);
        Ok(token)
    }
}

impl Iterator for Generation<'_> {
    type Item = Result<u32>;

    /// Returns the next token; `None` after an error or a stop token.
    fn next(&mut self) -> Option<Result<u32>> {
        if self.ended {
            return None;
        }
        let token = self.draw();
        let stops = matches!(&token, Ok(token) if self.stop.contains(token));
        self.ended = stops || token.is_err();
        (!stops).then_some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_prompt_is_filled_up_by_much() {
        for context in [1, 2, 15, 16, 31, 67, 128, 1000, 4096] {
            let lengths = lengths(context);
            assert!(
                lengths.is_sorted() && lengths.last() == Some(&context),
                "{lengths:?}"
            );
            for n in 1..=context {
                let read = lengths
                    .iter()
                    .find(|length| **length >= n)
                    .copied()
                    .unwrap();
                let most = (n + n / 2 + 1).max(2 * SHORTEST);
                assert!(read <= most, "{n} tokens of {context} are read as {read}");
            }
        }
    }
}
