//! `wgrad generate`: generates text from a prompt with a trained language model.

use std::time::Instant;

use serde::Serialize;
use wgrad::Run;
use wgrad::data::text::TextStream;

use crate::args::GenerateArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::text::{count, duration, path, significant, wrap};
use wgrad::spec::Overrides;

/// A generated token, as a JSON event.
#[derive(Serialize)]
struct Written<'a> {
    token: u32,
    /// The text that the token completes; empty in the middle of a character.
    text: &'a str,
}

/// The last JSON event.
#[derive(Serialize)]
struct Done {
    run: String,
    device: String,
    weights: String,
    prompt: String,
    /// The generated text, without the prompt.
    text: String,
    tokens: usize,
    /// Seconds from the prompt to the last token.
    seconds: f64,
}

/// Generates text and prints it token by token.
pub fn run(args: &GenerateArgs, output: &mut Output) -> Result<(), Failure> {
    let overrides = Overrides {
        device: args.device.clone(),
        ..Overrides::default()
    };
    let sampling = args.sampling();
    sampling.check()?;
    let run = Run::open_with(&args.run, &overrides)?;
    let device = run.config().training.device.open()?;
    let (mut generator, tokenizer) = run.generator(&device)?;
    let prompt = tokenizer.encode(&args.prompt)?;
    let weights = run.weights()?;
    let started = Instant::now();
    let mut stream = TextStream::new(&tokenizer);
    let mut all = String::new();
    let mut tokens = 0;
    let drawn = generator.generate(&prompt, sampling)?;
    output.stream(&args.prompt);
    for token in drawn.take(args.tokens) {
        let token = token?;
        let text = stream.push(token);
        output.stream(&text);
        output.event("token", &Written { token, text: &text });
        all.push_str(&text);
        tokens += 1;
    }
    let rest = stream.finish();
    output.stream(&format!("{rest}\n"));
    all.push_str(&rest);
    let seconds = started.elapsed().as_secs_f64();
    let verdict = format!(
        "{} tokens in {}, {} tokens/s, on {}; weights {}",
        count(tokens as u64),
        duration(seconds),
        significant(tokens as f64 / seconds.max(1e-9), 3),
        device.name(),
        path(&weights)
    );
    output.note(&wrap(&verdict, ""));
    output.event(
        "done",
        &Done {
            run: run.folder().path().display().to_string(),
            device: device.name(),
            weights: weights.display().to_string(),
            prompt: args.prompt.clone(),
            text: all,
            tokens,
            seconds,
        },
    );
    Ok(())
}
