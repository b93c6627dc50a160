//! A thing with a `type`: a layer, an optimizer, a schedule. What a file may say of each kind, and what
//! was said.
//!
//! A kind is one row, a [`Kind`]: its keys with their ranges and defaults, and the function that makes the
//! engine's thing of it. Reading and writing follow from that.

use super::key::{Key, Otherwise, Setting};
use super::mistake::{ConfigError, Place, Result};
use super::reader::{Section, Value};
use super::write::string;

/// What the kinds are kinds of.
pub trait Family: Sized + 'static {
    /// The function that makes the engine's thing.
    type Build: Copy + Sync;
    /// Its name in messages: `layer`.
    const WHAT: &'static str;
}

/// A kind of thing.
pub struct Kind<F: Family> {
    /// Its name in the file.
    pub name: &'static str,
    /// What the file may say, besides `type`.
    pub keys: &'static [Key],
    /// Makes the engine's thing.
    pub build: F::Build,
}

/// What a file says.
pub struct Chosen<F: Family> {
    pub(super) kind: &'static Kind<F>,
    /// What was said, or holds otherwise, for each of the kind's keys.
    settings: Vec<Setting>,
    /// Where it stands in the file; none for what is made otherwise.
    pub(super) place: Option<Place>,
}

impl<F: Family> Clone for Chosen<F> {
    fn clone(&self) -> Self {
        Chosen {
            kind: self.kind,
            settings: self.settings.clone(),
            place: self.place.clone(),
        }
    }
}

impl<F: Family> PartialEq for Chosen<F> {
    fn eq(&self, other: &Self) -> bool {
        self.kind.name == other.kind.name && self.settings == other.settings
    }
}

impl<F: Family> std::fmt::Debug for Chosen<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.write(0))
    }
}

impl<F: Family> Chosen<F> {
    /// One that stands in no file, with a setting for each key.
    pub fn made(kind: &'static Kind<F>, settings: Vec<Setting>) -> Self {
        debug_assert_eq!(kind.keys.len(), settings.len(), "{}", kind.name);
        Chosen {
            kind,
            settings,
            place: None,
        }
    }

    /// One of whose keys none is set. They must all have defaults.
    pub fn default_of(kind: &'static Kind<F>) -> Self {
        let default = |key: &Key| match key.otherwise {
            Otherwise::Is(setting) => setting(),
            Otherwise::Needed(_) | Otherwise::Same(_) => Setting::Absent,
        };
        Chosen::made(kind, kind.keys.iter().map(default).collect())
    }

    /// Where it stands in the file; none for what is made otherwise.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Its kind's name in the file.
    pub fn name(&self) -> &'static str {
        self.kind.name
    }

    /// As TOML: a table on one line. Layers inside stand on lines of their own, below a line that is
    /// indented by `indent`.
    pub fn write(&self, indent: usize) -> String {
        let mut text = format!("{{ type = {}", string(self.name()));
        for (key, setting) in self.kind.keys.iter().zip(&self.settings) {
            if *setting != Setting::Absent {
                text += &format!(", {} = {}", key.name, setting.write(indent));
            }
        }
        text + " }"
    }

    /// Its text: the name, where that says all.
    pub fn write_short(&self) -> String {
        let needs = |key: &Key| matches!(key.otherwise, Otherwise::Needed(_));
        let whole = self.kind.keys.iter().any(needs) || *self != Chosen::default_of(self.kind);
        match whole {
            true => self.write(0),
            false => string(self.name()),
        }
    }

    /// Whether its kind has this key.
    pub fn has(&self, key: &str) -> bool {
        self.kind.keys.iter().any(|k| k.name == key)
    }

    /// What was said of a key.
    pub(super) fn setting(&self, key: &str) -> &Setting {
        let mut keys = self.kind.keys.iter().zip(&self.settings);
        let found = keys.find(|(k, _)| k.name == key);
        debug_assert!(found.is_some(), "{} has no {key}", self.name());
        found.map_or(&Setting::Absent, |(_, setting)| setting)
    }
}

/// Reads one of these kinds, with the table that it was written as, if it was. A table may have the keys
/// `besides` those of its kind.
pub fn read<'a, F: Family>(
    value: Value<'a>,
    what: &str,
    kinds: &[&'static Kind<F>],
    besides: &[&str],
) -> Result<(Chosen<F>, Option<Section<'a>>)> {
    let named: Vec<(&'static str, &'static Kind<F>)> =
        kinds.iter().map(|kind| (kind.name, *kind)).collect();
    let (kind, section) = value.tagged(what, &named)?;
    let needs = |key: &Key| -> ConfigError {
        let needed = kind.keys.iter().filter_map(|key| match key.otherwise {
            Otherwise::Needed(example) => Some(format!(", {} = {example}", key.name)),
            _ => None,
        });
        value
            .place()
            .error(format!("{what} \"{}\" needs `{}`", kind.name, key.name))
            .help(format!(
                "for example: {{ type = \"{}\"{} }}",
                kind.name,
                needed.collect::<String>()
            ))
    };
    if let Some(section) = &section {
        let keys: Vec<&str> = ["type"]
            .into_iter()
            .chain(kind.keys.iter().map(|k| k.name))
            .chain(besides.iter().copied())
            .collect();
        section.takes(&keys)?;
    }
    let mut chosen = Chosen {
        kind,
        settings: Vec::new(),
        place: Some(value.place()),
    };
    for key in kind.keys {
        let setting = match section.as_ref().and_then(|s| s.get(key.name)) {
            Some(given) => key.takes.read(given)?,
            None => match key.otherwise {
                Otherwise::Needed(_) => return Err(needs(key)),
                Otherwise::Is(setting) => setting(),
                Otherwise::Same(other) => chosen.setting(other).clone(),
            },
        };
        chosen.settings.push(setting);
    }
    Ok((chosen, section))
}
