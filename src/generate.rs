//! Writing with a language model: a token at a time, each drawn from what the model expects.
//!
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
//! A [`Generator`] keeps the keys and values of all tokens read so far on the device, so that a token costs
//! the same however long the text is.

mod generator;
mod sampling;

pub use generator::{Generation, Generator};
pub use sampling::Sampling;
