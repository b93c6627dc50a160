//! Text generation with a language model, one sampled token at a time.
//!
//! # Example
//! ```
//! use wgrad::data::text::{CharTokenizer, Tokenizer};
//! use wgrad::generate::{Generator, Sampling};
//! use wgrad::{Device, nn};
//!
//! # fn main() -> wgrad::Result<()> {
//! let tokenizer = Tokenizer::from(CharTokenizer::of("to be or not to be")?);
//! let sizes = nn::GptConfig { vocabulary: tokenizer.vocabulary(), context: 16, ..Default::default() };
//! let mut generator = Generator::new(nn::Gpt::new(sizes), &Device::cpu())?;
//! // generator.load_weights("run/model.safetensors")?;
//! let prompt = tokenizer.encode("to be")?;
//! for token in generator.generate(&prompt, Sampling::default())?.take(8) {
//!     print!("{}", tokenizer.decode(&[token?]));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A [`Generator`] keeps the keys and values of all tokens so far on the device, so the cost of a
//! token does not depend on the length of the text.

mod generator;
mod sampling;

pub use generator::{Generation, Generator};
pub use sampling::Sampling;
