//! Schedules in a configuration.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::{CurveSpec, Schedule};
use crate::schema::{Path, SettingError, named_or_table, range, with_keys};

/// The settings of a schedule.
pub(crate) trait Settings {
    /// Builds the schedule for a training of this number of epochs.
    fn build(&self, epochs: u64) -> Schedule;

    /// Returns the name of the value that it monitors.
    fn monitor(&self) -> Option<&str> {
        None
    }

    /// Returns the smallest rate, if it has one.
    fn min_lr(&self) -> Option<f64> {
        None
    }

    /// Returns the key that must be set if times are in steps, but is not set.
    fn missing_for_steps(&self) -> Option<&'static str> {
        None
    }
}

/// Keeps the optimizer's rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Constant {}

impl Settings for Constant {
    fn build(&self, _: u64) -> Schedule {
        Schedule::constant()
    }
}

/// One schedule: a curve, and the settings that all curves share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScheduleItem {
    /// The curve.
    #[serde(flatten)]
    pub curve: CurveSpec,
    /// The number of epochs of the linear warm-up; a fraction is allowed.
    pub warmup_epochs: f64,
    /// The epoch at which it starts, in a list of schedules.
    pub from: u64,
}

/// The keys that every kind of schedule accepts.
#[derive(JsonSchema)]
#[allow(dead_code)]
struct SharedKeys {
    /// The number of epochs of the linear warm-up; a fraction is allowed.
    #[schemars(with = "range::NotNegative", extend("default" = 0.0))]
    warmup_epochs: f64,
    /// The epoch at which it starts, in a list of schedules.
    #[schemars(extend("default" = 0))]
    from: u64,
}

impl<C: Into<CurveSpec>> From<C> for ScheduleItem {
    fn from(curve: C) -> Self {
        ScheduleItem {
            curve: curve.into(),
            warmup_epochs: 0.0,
            from: 0,
        }
    }
}

impl ScheduleItem {
    fn build(&self, epochs: u64) -> Schedule {
        let built = self.curve.settings().build(epochs);
        match self.warmup_epochs {
            0.0 => built,
            warmup => built.warmup_epochs(warmup),
        }
    }
}

impl<'de> Deserialize<'de> for ScheduleItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Table {
            #[serde(flatten)]
            curve: CurveSpec,
            #[serde(default)]
            warmup_epochs: f64,
            #[serde(default)]
            from: u64,
        }
        let Table {
            curve,
            warmup_epochs,
            from,
        } = named_or_table(deserializer, "type")?;
        Ok(ScheduleItem {
            curve,
            warmup_epochs,
            from,
        })
    }
}

impl JsonSchema for ScheduleItem {
    fn schema_name() -> Cow<'static, str> {
        "Schedule".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let curves = CurveSpec::json_schema(generator);
        with_keys::<SharedKeys>(curves, generator, |_, _| true)
    }
}

/// How the learning rate changes: one schedule, or a list of schedules in order.
///
/// # Example
/// ```
/// use wgrad::schedule::{CosineSpec, ScheduleSpec};
///
/// let spec: ScheduleSpec = serde_json::from_str(r#"{ "type": "cosine", "min_lr": 1e-5 }"#)?;
/// assert_eq!(spec, CosineSpec { min_lr: 1e-5 }.into());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleSpec(Vec<ScheduleItem>);

impl<C: Into<CurveSpec>> From<C> for ScheduleSpec {
    fn from(curve: C) -> Self {
        ScheduleSpec(vec![curve.into().into()])
    }
}

impl Default for ScheduleSpec {
    fn default() -> Self {
        Constant::default().into()
    }
}

impl ScheduleSpec {
    /// Creates a sequence of schedules, each from its epoch. It must not be empty.
    pub fn chain(items: Vec<ScheduleItem>) -> Self {
        ScheduleSpec(items)
    }

    /// Returns the schedules, in order.
    pub fn items(&self) -> &[ScheduleItem] {
        &self.0
    }

    /// Builds the schedule for a training of this number of epochs.
    pub fn build(&self, epochs: usize) -> Schedule {
        let whole = epochs as u64;
        let after = |i: usize| self.0.get(i).map_or(whole, |one| one.from);
        let parts = self.0.iter().enumerate().map(|(i, one)| {
            let from = one.from;
            (from, one.build(after(i + 1).saturating_sub(from).max(1)))
        });
        let mut parts: Vec<(u64, Schedule)> = parts.collect();
        match parts.len() {
            1 => parts.remove(0).1,
            _ => Schedule::chain(parts),
        }
    }

    /// Returns the values that plateaus monitor, such as `val_loss`.
    pub fn monitored(&self) -> Vec<&str> {
        let each = self.0.iter();
        each.filter_map(|one| one.curve.settings().monitor())
            .collect()
    }

    /// Returns the values that plateaus monitor, each with its place in the configuration; `at` is
    /// the place of the schedule.
    pub(crate) fn monitors(&self, at: &Path) -> Vec<(&str, Path)> {
        let each = self.0.iter().enumerate().filter_map(|(i, one)| {
            let monitor = one.curve.settings().monitor()?;
            Some((monitor, self.at(at, i).key("monitor")))
        });
        each.collect()
    }

    fn at(&self, at: &Path, i: usize) -> Path {
        match self.0.len() {
            1 => at.clone(),
            _ => at.item(i),
        }
    }

    /// Checks constraints between settings; `at` is the place of the schedule in the configuration.
    pub(crate) fn conflicts(&self, at: &Path, epochs: usize, lr: f64) -> Result<(), SettingError> {
        let mut last: Option<u64> = None;
        for (i, one) in self.0.iter().enumerate() {
            let place = self.at(at, i);
            let from = place.key("from");
            match last {
                None if one.from > 0 && self.0.len() == 1 => {
                    return Err(SettingError::new(from, "`from` is for a list of schedules"));
                }
                None if one.from > 0 => {
                    return Err(SettingError::new(
                        from,
                        "the first schedule of a list begins at 0",
                    ));
                }
                Some(last) if one.from <= last => {
                    let message = "expected a schedule that starts after the one before it";
                    let help = format!("for example: from = {}", last + 1);
                    return Err(SettingError::new(from, message).help(help));
                }
                _ => last = Some(one.from),
            }
            let warmup = one.warmup_epochs;
            if warmup > 0.0 && warmup >= epochs as f64 {
                return Err(SettingError::new(
                    place.key("warmup_epochs"),
                    format!(
                        "`warmup_epochs` is {warmup}, but must be below `epochs`, which is {epochs}"
                    ),
                ));
            }
            let settings = one.curve.settings();
            if let Some(least) = settings.min_lr().filter(|least| *least >= lr) {
                let expected = format!("at least 0 and below the optimizer's `lr`, which is {lr}");
                return Err(SettingError::range(
                    place.key("min_lr"),
                    least.to_string(),
                    expected,
                ));
            }
            if let Some(key) = settings.missing_for_steps() {
                let message = format!("a schedule by steps needs `{key}`, in steps");
                let help = format!("for example: {key} = 1000");
                return Err(SettingError::new(place, message).help(help));
            }
        }
        match self.0.is_empty() {
            true => Err(SettingError::new(
                at.clone(),
                "a list of schedules has at least one",
            )),
            false => Ok(()),
        }
    }
}

impl Serialize for ScheduleSpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            all => all.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ScheduleSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Several(Vec<ScheduleItem>),
            One(ScheduleItem),
        }
        Ok(ScheduleSpec(match Form::deserialize(deserializer)? {
            Form::Several(all) => all,
            Form::One(one) => vec![one],
        }))
    }
}

impl JsonSchema for ScheduleSpec {
    fn schema_name() -> Cow<'static, str> {
        "Schedules".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<ScheduleItem>();
        json_schema!({
            "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }]
        })
    }
}
