//! Trains a small Llama on the characters of a text, then generates text.
//!
//! ```text
//! cargo run --release --example generate -- book.txt "It was"
//! ```

use std::io::Write;

use wgrad::data::text::{self, CharTokenizer, TextStream, Tokenizer, Tokens};
use wgrad::generate::{Generator, Sampling};
use wgrad::nn::{Llama, LlamaConfig};
use wgrad::schedule::Schedule;
use wgrad::{Device, Fit, Trainer, loss, metrics, optim};

fn main() -> wgrad::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(prompt)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: generate FILE PROMPT");
        return Ok(());
    };
    // A character is a token. A sample is a window of tokens; its targets are the next tokens.
    let text = text::read(file)?;
    let tokenizer = Tokenizer::from(CharTokenizer::of(&text)?);
    let tokens = Tokens::encode(&tokenizer, &text)?;
    let (train, validation) = tokens.split_last(0.05)?;
    let sizes = LlamaConfig {
        vocabulary: tokenizer.vocabulary(),
        context: 96,
        blocks: 3,
        ..LlamaConfig::default()
    };
    let train = train.windows(sizes.context, sizes.context)?;
    let validation = validation.windows(sizes.context, sizes.context)?;
    let device = Device::auto()?;
    let mut trainer = Trainer::new(Llama::new(sizes.clone()))
        .loss(loss::CrossEntropy::new())
        .optimizer(optim::AdamW::new(2e-3).weight_decay(0.01))
        .schedule(Schedule::cosine(1e-4).warmup_epochs(0.1))
        .clip_grad_norm(1.0)
        .metric(metrics::BitsPerCharacter::new())
        .compile(&device, &train)?;
    trainer.fit(&train, Fit::epochs(1).batch_size(16))?;
    println!("{}\n", trainer.evaluate(&validation)?);

    // The generator runs the same model one token at a time, with a key-value cache.
    let mut generator = Generator::new(Llama::new(sizes), &device)?;
    generator.copy_weights(&mut trainer)?;
    let sampling = Sampling {
        temperature: 0.8,
        top_p: Some(0.95),
        ..Sampling::default()
    };
    let mut stream = TextStream::new(&tokenizer);
    print!("{prompt}");
    for token in generator
        .generate(&tokenizer.encode(&prompt)?, sampling)?
        .take(400)
    {
        print!("{}", stream.push(token?));
        let _ = std::io::stdout().flush();
    }
    println!("{}", stream.finish());
    Ok(())
}
