//! Language models: their scores with and without a cache, and the generated text.

use wgrad::data::text::{CharTokenizer, Tokenizer, Tokens};
use wgrad::data::{Dataset, Targets};
use wgrad::generate::{Generator, Sampling};
use wgrad::nn::{Gpt, GptConfig, LanguageModel, Llama, LlamaConfig};
use wgrad::random::Stream;
use wgrad::{Device, Fit, Trainer, loss, metrics, nn, optim};

const VOCABULARY: usize = 23;

/// A context with an odd longest plan, and a shorter plan.
const CONTEXT: usize = 67;

fn gpt(context: usize, tied: bool) -> Gpt {
    Gpt::new(GptConfig {
        vocabulary: VOCABULARY,
        context,
        blocks: 2,
        heads: 3,
        width: 21,
        dropout: 0.1,
        tied,
    })
}

fn llama(context: usize) -> Llama {
    Llama::new(LlamaConfig {
        vocabulary: VOCABULARY,
        context,
        blocks: 2,
        heads: 4,
        kv_heads: 2,
        width: 24,
        hidden: 35,
        rope_base: 500.0,
        ..LlamaConfig::default()
    })
}

fn text(n: usize) -> Vec<u32> {
    let mut random = Stream::new(5);
    (0..n).map(|_| random.below(VOCABULARY as u32)).collect()
}

/// Returns a model with random weights that depend on tokens and positions, and a generator with
/// the same weights.
fn pair<M: LanguageModel + 'static>(make: impl Fn() -> M, device: &Device) -> (Trainer, Generator) {
    let context = make().context();
    let mut trainer = Trainer::new(make())
        .optimizer(optim::Adam::new(0.05))
        .compile_for(device, [context])
        .unwrap();
    let tokens = text(context + 1);
    let targets = Targets::Sequences {
        labels: tokens[1..].to_vec(),
        width: context,
        classes: VOCABULARY,
    };
    let set = Dataset::from_arrays(floats(&tokens[..context]), [context], targets).unwrap();
    trainer.fit(&set, Fit::epochs(3)).unwrap();
    let mut generator = Generator::new(make(), device).unwrap();
    generator.copy_weights(&mut trainer).unwrap();
    (trainer, generator)
}

fn floats(tokens: &[u32]) -> Vec<f32> {
    tokens.iter().map(|t| *t as f32).collect()
}

/// Returns the scores after each token, computed at once and without a cache.
fn without_cache(trainer: &mut Trainer, tokens: &[u32]) -> Vec<Vec<f32>> {
    let set = Dataset::from_arrays(floats(tokens), [tokens.len()], Targets::Unlabelled).unwrap();
    let all = trainer.predict(&set).unwrap();
    assert_eq!(all.shape.dims(), [1, tokens.len(), VOCABULARY]);
    all.values.chunks(VOCABULARY).map(<[f32]>::to_vec).collect()
}

#[track_caller]
fn same(got: &[f32], want: &[f32], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let error = (g - w).abs() / (1.0 + w.abs());
        assert!(
            !(error > 1e-5) && error.is_finite(),
            "{what}: token {i} has {g}, but {w} without a cache"
        );
    }
}

/// Checks that the scores with a cache are those without one: token by token, and all at once.
fn check<M: LanguageModel + 'static>(make: impl Fn(usize) -> M, context: usize, device: &Device) {
    let (mut trainer, mut generator) = pair(|| make(context), device);
    let tokens = text(context);
    let want = without_cache(&mut trainer, &tokens);
    // The scores distinguish tokens and positions.
    let spread = |x: &[f32]| x.iter().fold(0f32, |m, v| m.max((v - x[0]).abs()));
    assert!(want.iter().all(|x| spread(x) > 0.1), "{want:?}");
    generator.start(&tokens[..1]).unwrap();
    same(generator.scores(), &want[0], "the first token");
    for i in 1..context {
        generator.push(tokens[i]).unwrap();
        same(generator.scores(), &want[i], &format!("token {i}"));
    }
    assert_eq!(generator.tokens(), tokens);
    for n in (1..=context).filter(|n| n % 5 < 2 || context < 10) {
        generator.start(&tokens[..n]).unwrap();
        same(generator.scores(), &want[n - 1], &format!("{n} at once"));
        if n < context {
            generator.push(tokens[n]).unwrap();
            same(generator.scores(), &want[n], &format!("one after {n}"));
        }
    }
    // A text longer than the context continues with its last half.
    generator.start(&tokens).unwrap();
    generator.push(7).unwrap();
    let half = (context / 2).max(1);
    let kept = [&tokens[context + 1 - half..], &[7]].concat();
    assert_eq!(generator.tokens(), kept);
    let scores = generator.scores().to_vec();
    generator.start(&kept).unwrap();
    assert_eq!(generator.scores(), scores);
    let long = [&[3, 3, 3], &tokens[..]].concat();
    generator.start(&long).unwrap();
    same(generator.scores(), &want[context - 1], "a long text's end");
}

on_every_device! {
    fn a_gpt_gives_the_same_with_a_cache(device) {
        check(|context| gpt(context, false), CONTEXT, device);
    }

    fn a_tied_gpt_gives_the_same_with_a_cache(device) {
        check(|context| gpt(context, true), 9, device);
    }

    fn a_llama_gives_the_same_with_a_cache(device) {
        check(llama, CONTEXT, device);
    }

    fn contexts_of_one_and_two_tokens_work(device) {
        for context in [1, 2] {
            check(|context| gpt(context, false), context, device);
            check(llama, context, device);
        }
    }

    fn adapters_are_copied_with_the_weights(device) {
        let mut trainer = Trainer::new(gpt(9, false)).freeze("*").lora("*", nn::Lora::new(2))
            .optimizer(optim::Adam::new(0.05)).compile_for(device, [9]).unwrap();
        let tokens = text(10);
        let targets = Targets::Sequences { labels: tokens[1..].to_vec(), width: 9, classes: VOCABULARY };
        let set = Dataset::from_arrays(floats(&tokens[..9]), [9], targets).unwrap();
        let before = without_cache(&mut trainer, &tokens[..9]);
        trainer.fit(&set, Fit::epochs(5)).unwrap();
        let want = without_cache(&mut trainer, &tokens[..9]);
        assert_ne!(want, before);
        let mut generator = Generator::new(gpt(9, false), device).unwrap();
        generator.copy_weights(&mut trainer).unwrap();
        generator.start(&tokens[..9]).unwrap();
        same(generator.scores(), &want[8], "merged");
    }

    fn a_text_ends_at_a_stop_token(device) {
        let mut generator = Generator::new(gpt(9, false), device).unwrap();
        let hot = || Sampling { temperature: 50.0, seed: 3, ..Sampling::default() };
        let all: Vec<u32> = generator.generate(&[1, 2], hot()).unwrap().take(40).map(Result::unwrap).collect();
        let stops = [all[17], all[30]];
        let end = all.iter().position(|t| stops.contains(t)).unwrap();
        let cut = generator.generate(&[1, 2], hot()).unwrap().stop_at(&stops[..1]).stop_at(&stops[1..]);
        let cut: Vec<u32> = cut.take(40).map(Result::unwrap).collect();
        assert_eq!(cut, all[..end]);
        let mut none = generator.generate(&[1, 2], hot()).unwrap().stop_at(&all[..1]);
        assert!(none.next().is_none() && none.next().is_none());
    }

    fn a_text_is_learned_and_written(device) {
        let text = "the cat sat on the mat. ".repeat(30);
        let tokenizer = Tokenizer::from(CharTokenizer::of(&text).unwrap());
        let tokens = Tokens::encode(&tokenizer, &text).unwrap();
        let (train, validation) = tokens.split_last(0.2).unwrap();
        let sizes = GptConfig {
            vocabulary: tokenizer.vocabulary(),
            context: 16,
            blocks: 1,
            heads: 2,
            width: 24,
            ..GptConfig::default()
        };
        let set = train.windows(16, 1).unwrap();
        let mut trainer = Trainer::new(Gpt::new(sizes.clone()))
            .loss(loss::CrossEntropy::new())
            .optimizer(optim::AdamW::new(1e-2))
            .metric(metrics::BitsPerCharacter::new())
            .metric(metrics::Perplexity)
            .compile(device, &set)
            .unwrap();
        trainer.fit(&set, Fit::epochs(3).batch_size(16)).unwrap();
        let result = trainer.evaluate(&validation.windows(16, 16).unwrap()).unwrap();
        let bits = result.metric("bits_per_character").unwrap();
        assert!(bits < 0.8, "{result}");
        assert!((bits - result.loss / 2f64.ln()).abs() < 1e-6, "{result}");
        assert!((result.metric("perplexity").unwrap() - result.loss.exp()).abs() < 1e-4, "{result}");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        trainer.save(&path).unwrap();
        let mut generator = Generator::new(Gpt::new(sizes), device).unwrap();
        generator.load_weights(&path).unwrap();
        let mut write = |prompt: &str, sampling: Sampling| {
            let prompt = tokenizer.encode(prompt).unwrap();
            let all = generator.generate(&prompt, sampling).unwrap();
            let tokens: Vec<u32> = all.take(40).collect::<Result<_, _>>().unwrap();
            tokenizer.decode(&tokens)
        };
        let want = "at on the mat. the cat sat on the mat. t";
        assert_eq!(write("the cat s", Sampling::greedy()), want);
        let drawn = |seed| Sampling { temperature: 2.0, seed, ..Sampling::default() };
        let (a, b, c) = (write("the", drawn(1)), write("the", drawn(1)), write("the", drawn(2)));
        assert_eq!(a, b);
        assert_ne!(a, c);
    }
}

#[test]
fn mistakes_are_told() {
    let device = Device::cpu();
    let error = |config: GptConfig| {
        let made = Generator::new(Gpt::new(config), &device);
        made.err().unwrap().to_string()
    };
    let small = || gpt(8, false).config().clone();
    let text = error(GptConfig {
        heads: 4,
        ..small()
    });
    assert!(
        text.contains("21 features do not divide into 4 heads"),
        "{text}"
    );
    assert!(text.contains("generation.rs:"), "{text}");
    let text = error(GptConfig {
        context: 0,
        ..small()
    });
    assert_eq!(text, "the context is 0, but must be at least 1");

    let mut generator = Generator::new(gpt(8, false), &device).unwrap();
    let text = generator.start(&[]).unwrap_err().to_string();
    assert!(
        text.starts_with("the prompt's number of tokens is 0"),
        "{text}"
    );
    let text = generator.start(&[1, 23]).unwrap_err().to_string();
    assert_eq!(text, "a token is 23, but must be below the vocabulary's 23");
    let hot = Sampling {
        temperature: -1.0,
        ..Sampling::default()
    };
    let text = generator.generate(&[1], hot).err().unwrap().to_string();
    assert_eq!(
        text,
        "the temperature is -1, but must be 0 or a number above"
    );
    let other = Trainer::new(gpt(8, true)).compile_for(&device, [8]);
    let text = generator
        .copy_weights(&mut other.unwrap())
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "head.weight: the trained model has no parameter of this name"
    );
}
