//! `[model] type = "gpt"` and `"llama"`: the language models.

use wgrad::nn::{GptConfig, LlamaConfig};

use super::mistake::Result;
use super::reader::{Section, fraction, or, positive};
use super::write::{Lines, number, string};

/// A language model; the data says how many tokens there are.
#[derive(Debug, Clone, PartialEq)]
pub enum Language {
    /// Like GPT-2.
    Gpt(GptConfig),
    /// Like Llama.
    Llama(LlamaConfig),
}

impl Language {
    /// How many tokens a sample has.
    pub fn context(&self) -> usize {
        match self {
            Language::Gpt(sizes) => sizes.context,
            Language::Llama(sizes) => sizes.context,
        }
    }

    /// Reads a GPT.
    pub fn gpt(section: &Section<'_>) -> Result<Self> {
        let section = &section.clone().named("[model] of type \"gpt\"");
        section.takes(&[
            "type", "context", "blocks", "heads", "width", "dropout", "tied",
        ])?;
        let d = GptConfig::default();
        let count = |key, default| or(Some(section), key, default, |v| v.count(1));
        let sizes = GptConfig {
            vocabulary: 0,
            context: count("context", d.context)?,
            blocks: count("blocks", d.blocks)?,
            heads: count("heads", d.heads)?,
            width: count("width", d.width)?,
            dropout: or(Some(section), "dropout", d.dropout, fraction)?,
            tied: or(Some(section), "tied", d.tied, |v| v.boolean())?,
        };
        divides(section, ("heads", sizes.heads), ("width", sizes.width))?;
        Ok(Language::Gpt(sizes))
    }

    /// Reads a Llama.
    pub fn llama(section: &Section<'_>) -> Result<Self> {
        let section = &section.clone().named("[model] of type \"llama\"");
        section.takes(&[
            "type",
            "context",
            "blocks",
            "heads",
            "kv_heads",
            "width",
            "hidden",
            "rope_base",
        ])?;
        let d = LlamaConfig::default();
        let count = |key, default| or(Some(section), key, default, |v| v.count(1));
        let (heads, width) = (count("heads", d.heads)?, count("width", d.width)?);
        // As in Llama: two thirds of four times the width, up to a multiple of 8.
        let hidden = (width.saturating_mul(8) / 3).next_multiple_of(8);
        let sizes = LlamaConfig {
            vocabulary: 0,
            context: count("context", d.context)?,
            blocks: count("blocks", d.blocks)?,
            heads,
            kv_heads: count("kv_heads", heads)?,
            width,
            hidden: count("hidden", hidden)?,
            rope_base: or(Some(section), "rope_base", d.rope_base, positive)?,
            eps: d.eps,
        };
        divides(section, ("heads", heads), ("width", width))?;
        divides(section, ("kv_heads", sizes.kv_heads), ("heads", heads))?;
        Ok(Language::Llama(sizes))
    }

    /// Writes the section's keys.
    pub fn write(&self, out: &mut Lines) {
        match self {
            Language::Gpt(sizes) => {
                out.set("type", string("gpt"));
                out.set("context", sizes.context);
                out.set("blocks", sizes.blocks);
                out.set("heads", sizes.heads);
                out.set("width", sizes.width);
                out.set("dropout", number(sizes.dropout));
                out.set("tied", sizes.tied);
            }
            Language::Llama(sizes) => {
                out.set("type", string("llama"));
                out.set("context", sizes.context);
                out.set("blocks", sizes.blocks);
                out.set("heads", sizes.heads);
                out.set("kv_heads", sizes.kv_heads);
                out.set("width", sizes.width);
                out.set("hidden", sizes.hidden);
                out.set("rope_base", number(sizes.rope_base));
            }
        }
    }
}

/// One number must divide the other.
fn divides(
    section: &Section<'_>,
    (part, n): (&'static str, usize),
    (whole, of): (&'static str, usize),
) -> Result<()> {
    if of.is_multiple_of(n) {
        return Ok(());
    }
    let value = section.get(part).or_else(|| section.get(whole));
    let place = value.map_or_else(|| section.place(), |v| v.place());
    Err(place.error(format!(
        "`{part}` is {n}, which does not divide `{whole}`, which is {of}"
    )))
}
