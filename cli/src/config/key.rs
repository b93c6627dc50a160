//! What a file may say of a thing with a `type`: keys, what each takes, and what holds where it is not set.

use super::choice::{Chosen, Family};
use super::init::{self, Init};
use super::layer::{Layer, list, write_list};
use super::mistake::Result;
use super::reader::{Value, fraction, not_negative, positive};
use super::write::{number, string};

/// One key of a kind.
#[derive(Debug)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What holds where it is not set.
    pub otherwise: Otherwise,
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// A whole number of at least this.
    Count(u64),
    /// One for height and width, or `[height, width]`, each at least this.
    Pair(u64),
    /// A list of whole numbers of at least 1.
    Counts,
    /// A number.
    Number,
    /// A number above 0.
    Positive,
    /// A number above 0, or one of these words.
    NumberOr(&'static [&'static str]),
    /// A number of at least 0.
    NotNegative,
    /// A number of at least 0 and below 1.
    Fraction,
    /// A number above 0 and at most 1.
    Factor,
    /// Two numbers of at least 0 and below 1.
    Betas,
    /// Numbers above 0.
    Positives,
    /// `true` or `false`.
    Flag,
    /// A text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Layers, of which there is at least one.
    Layers,
    /// What weights begin with.
    Init,
}

/// What holds where a key is not set.
#[derive(Debug, Clone, Copy)]
pub enum Otherwise {
    /// Nothing: it must be set, for example to this.
    Needed(&'static str),
    /// This.
    Is(fn() -> Setting),
    /// What an earlier key says.
    Same(&'static str),
}

/// What is said of a thing.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// A whole number.
    Count(usize),
    /// A height and a width.
    Pair([usize; 2]),
    /// Whole numbers.
    Counts(Vec<usize>),
    /// A number.
    Number(f64),
    /// Several numbers.
    Numbers(Vec<f64>),
    /// Whether it is so.
    Flag(bool),
    /// A text.
    Text(String),
    /// One of the key's words.
    Word(&'static str),
    /// Layers inside.
    Layers(Vec<Layer>),
    /// What weights begin with.
    Init(Box<Init>),
    /// Nothing.
    Absent,
}

impl Key {
    /// A key that must be set; `example` shows how.
    pub const fn needed(name: &'static str, takes: Takes, example: &'static str) -> Self {
        Key {
            name,
            takes,
            otherwise: Otherwise::Needed(example),
        }
    }

    /// A key with a default.
    pub const fn or(name: &'static str, takes: Takes, default: fn() -> Setting) -> Self {
        Key {
            name,
            takes,
            otherwise: Otherwise::Is(default),
        }
    }

    /// A key that is as another where it is not set.
    pub const fn same(name: &'static str, takes: Takes, other: &'static str) -> Self {
        Key {
            name,
            takes,
            otherwise: Otherwise::Same(other),
        }
    }
}

impl Takes {
    /// Reads a value.
    pub fn read(self, value: Value<'_>) -> Result<Setting> {
        Ok(match self {
            Takes::Count(min) => Setting::Count(value.count(min)?),
            Takes::Pair(min) => Setting::Pair(pair(value, min)?),
            Takes::Counts => {
                let items = value.items()?;
                let counts = items.iter().map(|v| v.count(1));
                Setting::Counts(counts.collect::<Result<_>>()?)
            }
            Takes::Number => Setting::Number(value.number(|_| true, "finite")?),
            Takes::Positive => Setting::Number(positive(value)?),
            Takes::NumberOr(words) if value.is_text() => Takes::Word(words).read(value)?,
            Takes::NumberOr(_) => Takes::Positive.read(value)?,
            Takes::NotNegative => Setting::Number(not_negative(value)?),
            Takes::Fraction => Setting::Number(fraction(value)?),
            Takes::Factor => {
                let fits = |x: f64| x > 0.0 && x <= 1.0;
                Setting::Number(value.number(fits, "above 0 and at most 1")?)
            }
            Takes::Positives => {
                let items = value.items()?;
                let all = items.iter().map(|v| positive(*v));
                Setting::Numbers(all.collect::<Result<_>>()?)
            }
            Takes::Betas => Setting::Numbers(betas(value)?),
            Takes::Text => Setting::Text(value.string()?.to_string()),
            Takes::Flag => Setting::Flag(value.boolean()?),
            Takes::Word(words) => {
                let words: Vec<_> = words.iter().map(|w| (*w, *w)).collect();
                Setting::Word(value.choice(value.name(), &words)?)
            }
            Takes::Layers => Setting::Layers(list(value)?),
            Takes::Init => Setting::Init(Box::new(init::read(value)?)),
        })
    }
}

fn betas(value: Value<'_>) -> Result<Vec<f64>> {
    match value.items()?.as_slice() {
        [first, second] => Ok(vec![fraction(*first)?, fraction(*second)?]),
        _ => Err(value
            .place()
            .error(format!("`{}` must be two numbers", value.name()))
            .help(format!("for example: {} = [0.9, 0.999]", value.name()))),
    }
}

fn pair(value: Value<'_>, min: u64) -> Result<[usize; 2]> {
    if !value.is_list() {
        let both = value.count(min)?;
        return Ok([both, both]);
    }
    match value.items()?.as_slice() {
        [height, width] => Ok([height.count(min)?, width.count(min)?]),
        _ => Err(value
            .place()
            .error(format!(
                "`{}` must be one number, or two: height and width",
                value.name()
            ))
            .help(format!("for example: {} = [3, 5]", value.name()))),
    }
}

impl Setting {
    /// As TOML; see [`Chosen::write`].
    pub fn write(&self, indent: usize) -> String {
        match self {
            Setting::Count(n) => n.to_string(),
            Setting::Pair([h, w]) if h == w => h.to_string(),
            Setting::Pair([h, w]) => format!("[{h}, {w}]"),
            Setting::Counts(counts) => format!("{counts:?}"),
            Setting::Number(x) => number(*x),
            Setting::Numbers(all) => {
                let all: Vec<String> = all.iter().map(|x| number(*x)).collect();
                format!("[{}]", all.join(", "))
            }
            Setting::Text(text) => string(text),
            Setting::Flag(on) => on.to_string(),
            Setting::Word(word) => string(word),
            Setting::Layers(layers) => write_list(layers, indent),
            Setting::Init(init) => init.write_short(),
            Setting::Absent => String::new(),
        }
    }
}

/// What a kind's own functions ask for, by the key's name.
impl<F: Family> Chosen<F> {
    /// A whole number.
    pub(super) fn count(&self, key: &str) -> usize {
        match self.setting(key) {
            Setting::Count(n) => *n,
            _ => 0,
        }
    }

    /// A height and a width.
    pub(super) fn pair(&self, key: &str) -> [usize; 2] {
        match self.setting(key) {
            Setting::Pair(pair) => *pair,
            _ => [0, 0],
        }
    }

    /// Whole numbers.
    pub(super) fn counts(&self, key: &str) -> &[usize] {
        match self.setting(key) {
            Setting::Counts(counts) => counts,
            _ => &[],
        }
    }

    /// A number.
    pub(super) fn number(&self, key: &str) -> f64 {
        match self.setting(key) {
            Setting::Number(x) => *x,
            _ => 0.0,
        }
    }

    /// Whether it is so.
    pub(super) fn flag(&self, key: &str) -> bool {
        matches!(self.setting(key), Setting::Flag(true))
    }

    /// One of the key's words.
    pub(super) fn word(&self, key: &str) -> &'static str {
        match self.setting(key) {
            Setting::Word(word) => word,
            _ => "",
        }
    }

    /// The two betas.
    pub(super) fn betas(&self, key: &str) -> (f64, f64) {
        match self.setting(key) {
            Setting::Numbers(all) => match all.as_slice() {
                [first, second] => (*first, *second),
                _ => (0.0, 0.0),
            },
            _ => (0.0, 0.0),
        }
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> &str {
        match self.setting(key) {
            Setting::Text(text) => text,
            _ => "",
        }
    }

    /// What weights begin with, where the kind has such a key and the file says it.
    pub(super) fn init(&self) -> Option<&Init> {
        match self.has("init").then(|| self.setting("init"))? {
            Setting::Init(init) => Some(init),
            _ => None,
        }
    }

    /// Layers inside, also of a kind that has no such key; none where it is not set.
    pub fn inside(&self, key: &str) -> &[Layer] {
        match self.has(key) {
            true => self.layers(key),
            false => &[],
        }
    }

    /// Layers inside; none where the key is not set.
    pub(super) fn layers(&self, key: &str) -> &[Layer] {
        match self.setting(key) {
            Setting::Layers(layers) => layers,
            _ => &[],
        }
    }
}
