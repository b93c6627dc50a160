//! Weights of published models: other names, weights that are concatenated or split, and numbers
//! that are not finite.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};
use wgrad::nn::{self, Llama, LlamaConfig, Module, Visitor};
use wgrad::train::Load;
use wgrad::{Device, Error, Tensor, Trainer};

use crate::{FEATURES, classes, mlp};

/// Writes tensors of `f32` with distinct elements, counting from `from`.
fn write(path: &Path, tensors: &[(String, Vec<usize>)]) -> BTreeMap<String, Vec<f32>> {
    let mut next = 0.0;
    let mut all = BTreeMap::new();
    for (name, shape) in tensors {
        let n: usize = shape.iter().product();
        let values: Vec<f32> = (0..n).map(|i| next + i as f32 / 1024.0).collect();
        next += 1.0;
        all.insert(name.clone(), values);
    }
    store(path, tensors, &all);
    all
}

fn store(path: &Path, tensors: &[(String, Vec<usize>)], values: &BTreeMap<String, Vec<f32>>) {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(name, _)| values[name].iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape), bytes)| {
        (
            name.clone(),
            TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap(),
        )
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

const BLOCKS: usize = 21;

fn sizes(tied: bool) -> LlamaConfig {
    LlamaConfig {
        vocabulary: 11,
        context: 8,
        blocks: BLOCKS,
        heads: 4,
        kv_heads: 2,
        width: 16,
        hidden: 24,
        tied,
        ..LlamaConfig::default()
    }
}

/// Returns the tensors of a `LlamaForCausalLM` of these sizes, with the buffers of rotary positions
/// that older files have.
fn published() -> Vec<(String, Vec<usize>)> {
    let mut all = vec![
        ("model.embed_tokens.weight".to_string(), vec![11, 16]),
        ("model.norm.weight".to_string(), vec![16]),
        ("lm_head.weight".to_string(), vec![11, 16]),
    ];
    for i in 0..BLOCKS {
        let mut of = |name: &str, shape: &[usize]| {
            all.push((format!("model.layers.{i}.{name}"), shape.to_vec()))
        };
        of("self_attn.q_proj.weight", &[16, 16]);
        of("self_attn.k_proj.weight", &[8, 16]);
        of("self_attn.v_proj.weight", &[8, 16]);
        of("self_attn.o_proj.weight", &[16, 16]);
        of("self_attn.rotary_emb.inv_freq", &[2]);
        of("mlp.gate_proj.weight", &[24, 16]);
        of("mlp.up_proj.weight", &[24, 16]);
        of("mlp.down_proj.weight", &[16, 24]);
        of("input_layernorm.weight", &[16]);
        of("post_attention_layernorm.weight", &[16]);
    }
    all
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    (folder, path)
}

#[test]
fn a_published_llama_loads_whole() {
    let (_folder, path) = folder();
    let tensors = published();
    assert_eq!(tensors.len(), 213);
    let file = write(&path, &tensors);
    let device = Device::cpu();
    let mut trainer = Trainer::new(Llama::new(sizes(false)))
        .compile_for(&device, [8])
        .unwrap();
    let report = trainer
        .load(&path, &Load::strict().hugging_face_llama())
        .unwrap();
    assert!(report.is_complete(), "{report}");
    // All but the buffers of the rotary positions, with three projections in one.
    assert_eq!(report.loaded.len(), 213 - BLOCKS * 3);
    for i in [0, 7, BLOCKS - 1] {
        let of = |name: &str| file[&format!("model.layers.{i}.{name}.weight")].clone();
        let qkv = ["q", "k", "v"]
            .map(|p| of(&format!("self_attn.{p}_proj")))
            .concat();
        for (name, want) in [
            ("self_attn.in_proj_weight", qkv),
            ("self_attn.out_proj.weight", of("self_attn.o_proj")),
            ("feed_forward.gate_proj.weight", of("mlp.gate_proj")),
            ("feed_forward.up_proj.weight", of("mlp.up_proj")),
            ("feed_forward.down_proj.weight", of("mlp.down_proj")),
            ("norm1.weight", of("input_layernorm")),
            ("norm2.weight", of("post_attention_layernorm")),
        ] {
            assert_eq!(
                trainer.weights(&format!("blocks.{i}.{name}")).unwrap(),
                want,
                "{name}"
            );
        }
    }
    assert_eq!(
        trainer.weights("tokens.weight").unwrap(),
        file["model.embed_tokens.weight"]
    );
    assert_eq!(
        trainer.weights("head.weight").unwrap(),
        file["lm_head.weight"]
    );

    let mut tied = Trainer::new(Llama::new(sizes(true)))
        .compile_for(&device, [8])
        .unwrap();
    let how = Load::strict().skip("lm_head.weight").hugging_face_llama();
    assert!(tied.load(&path, &how).unwrap().is_complete());

    // A missing part is named.
    let some: Vec<_> = tensors
        .into_iter()
        .filter(|(n, _)| n != "model.layers.3.self_attn.k_proj.weight")
        .collect();
    write(&path, &some);
    let error = trainer
        .load(&path, &Load::strict().hugging_face_llama())
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with(
            "blocks.3.self_attn.in_proj_weight is joined of 3 tensors, but there is none like \
             \"model.layers.*.self_attn.k_proj.weight\" for it"
        ),
        "{error}"
    );
}

/// Three projections of one input.
struct Projections([nn::Linear; 3]);

impl Module for Projections {
    fn forward(&self, x: &Tensor) -> Tensor {
        let [q, k, v] = &self.0;
        Tensor::concat(&[&q.forward(x), &k.forward(x), &v.forward(x)], -1)
    }
    fn visit(&self, v: &mut Visitor) {
        for (name, layer) in ["query", "key", "value"].iter().zip(&self.0) {
            v.child(name, layer);
        }
    }
}

#[test]
fn a_fused_weight_is_divided() {
    let (_folder, path) = folder();
    let tensors = [
        ("attn.qkv.weight".to_string(), vec![5, FEATURES]),
        ("attn.qkv.bias".to_string(), vec![5]),
    ];
    let file = write(&path, &tensors);
    let model = Projections([2, 2, 1].map(|n| nn::Linear::new(FEATURES, n)));
    let mut trainer = Trainer::new(model)
        .compile(&Device::cpu(), &classes(9))
        .unwrap();
    let how = Load::strict().split("attn.qkv.*", ["query.*", "key.*", "value.*"]);
    assert!(trainer.load(&path, &how).unwrap().is_complete());
    let (weight, bias) = (&file["attn.qkv.weight"], &file["attn.qkv.bias"]);
    for (name, rows) in [("query", 0..2), ("key", 2..4), ("value", 4..5)] {
        let want = &weight[rows.start * FEATURES..rows.end * FEATURES];
        assert_eq!(trainer.weights(&format!("{name}.weight")).unwrap(), want);
        assert_eq!(
            trainer.weights(&format!("{name}.bias")).unwrap(),
            bias[rows]
        );
    }
    let how = Load::strict().split("attn.qkv.*", ["query.*", "key.*"]);
    let error = trainer.load(&path, &how).unwrap_err().to_string();
    assert!(
        error.contains("attn.qkv.bias has 5 rows, but what it is divided into has 4"),
        "{error}"
    );
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let (_folder, path) = folder();
    let device = Device::cpu();
    let mut trainer = Trainer::new(mlp(3)).compile(&device, &classes(9)).unwrap();
    let hash = trainer.weights_sha256().unwrap();
    let shapes = [
        ("0.weight", vec![13, FEATURES]),
        ("0.bias", vec![13]),
        ("2.weight", vec![3, 13]),
        ("2.bias", vec![3]),
    ];
    let tensors = shapes.map(|(name, shape)| (name.to_string(), shape));
    let mut values = write(&path, &tensors);
    for (i, value) in [(2, f32::NAN), (5, f32::INFINITY)] {
        values.get_mut("2.weight").unwrap()[i] = value;
    }
    store(&path, &tensors, &values);
    let error = trainer.load_weights(&path).unwrap_err();
    assert!(matches!(error, Error::Checkpoint { .. }));
    let text = error.to_string();
    assert!(
        text.contains("element 2 of 2.weight is NaN (and 1 more are not finite)"),
        "{text}"
    );
    assert_eq!(trainer.weights_sha256().unwrap(), hash);
    trainer
        .load(&path, &Load::strict().allow_non_finite())
        .unwrap();
    assert!(trainer.weights("2.weight").unwrap()[2].is_nan());

    // A checkpoint with such weights is not resumed from, and changes nothing.
    trainer.save(&path).unwrap();
    let mut other = Trainer::new(mlp(3)).compile(&device, &classes(9)).unwrap();
    let hash = other.weights_sha256().unwrap();
    let text = other.resume(&path).unwrap_err().to_string();
    assert!(
        text.contains("element 2 of 2.weight is NaN (and 1 more are not finite); expected finite numbers; resume from"),
        "{text}"
    );
    assert_eq!(other.weights_sha256().unwrap(), hash);
}
