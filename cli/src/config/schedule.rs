//! `schedule`: how the learning rate changes. A kind is a row; a list of schedules is a chain of them, each
//! from the epoch that its `from` says.

use wgrad::schedule;

use super::choice::{self, Family};
use super::key::{Key, Setting, Takes};
use super::mistake::{Place, Result};
use super::reader::{Section, Value};

/// What the kinds here are kinds of.
pub struct Schedules;

impl Family for Schedules {
    /// The engine's schedule, for a training of so many epochs.
    type Build = fn(&One, u64) -> schedule::Schedule;
    const WHAT: &'static str = "schedule";
}

pub(super) type Kind = choice::Kind<Schedules>;

/// One schedule.
pub(super) type One = choice::Chosen<Schedules>;

/// How the learning rate changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule(Vec<One>);

impl Default for Schedule {
    fn default() -> Self {
        Schedule(vec![One::default_of(&CONSTANT)])
    }
}

impl Schedule {
    /// The engine's schedule, for a training of so many epochs.
    pub fn build(&self, epochs: usize) -> schedule::Schedule {
        let whole = epochs as u64;
        let after = |i: usize| self.0.get(i).map_or(whole, |one| one.count("from") as u64);
        let parts = self.0.iter().enumerate().map(|(i, one)| {
            let from = one.count("from") as u64;
            (from, one.build(after(i + 1).saturating_sub(from).max(1)))
        });
        let mut parts: Vec<(u64, schedule::Schedule)> = parts.collect();
        match parts.len() {
            1 => parts.remove(0).1,
            _ => schedule::Schedule::chain(parts),
        }
    }

    /// What plateaus watch, and where they stand.
    pub fn monitors(&self) -> impl Iterator<Item = (&str, Option<&Place>)> {
        let plateaus = self.0.iter().filter(|one| one.has("monitor"));
        plateaus.map(|one| (one.text("monitor"), one.place.as_ref()))
    }

    /// Its text.
    pub fn write(&self) -> String {
        match self.0.as_slice() {
            [one] => one.write(0),
            all => {
                let lines = all.iter().map(|one| format!("    {},\n", one.write(0)));
                format!("[\n{}]", lines.collect::<String>())
            }
        }
    }
}

impl One {
    fn build(&self, epochs: u64) -> schedule::Schedule {
        let built = (self.kind.build)(self, epochs);
        let built = match self.has("by") && self.word("by") == "step" {
            true => built.by_step(),
            false => built,
        };
        match self.number("warmup_epochs") {
            0.0 => built,
            warmup => built.warmup_epochs(warmup),
        }
    }

    /// A time that is a whole number, or all epochs where it is not set.
    fn time(&self, key: &str, epochs: u64) -> u64 {
        match self.setting(key) {
            Setting::Count(n) => *n as u64,
            _ => epochs,
        }
    }
}

/// Reads it, for so many epochs and this rate.
pub fn read(value: Value<'_>, epochs: usize, lr: f64) -> Result<Schedule> {
    if !value.is_list() {
        let (one, section) = one(value, epochs, lr)?;
        let from = section.as_ref().and_then(|s| s.get("from"));
        return match from.filter(|_| one.count("from") > 0) {
            Some(from) => Err(from.place().error("`from` is for a list of schedules")),
            None => Ok(Schedule(vec![one])),
        };
    }
    let items = value.items()?;
    let mut chain: Vec<One> = Vec::new();
    for item in &items {
        let (part, section) = one(*item, epochs, lr)?;
        let from = section.as_ref().and_then(|s| s.get("from"));
        let at = from.map_or_else(|| item.place(), |v| v.place());
        match chain.last() {
            None if part.count("from") > 0 => {
                return Err(at.error("the first schedule of a list begins at 0"));
            }
            Some(last) if part.count("from") <= last.count("from") => {
                let error = at.error("a schedule of a list must begin after the one before");
                let next = last.count("from") + 1;
                return Err(error.help(format!("for example: from = {next}")));
            }
            _ => chain.push(part),
        }
    }
    match chain.is_empty() {
        true => Err(value.place().error("a list of schedules has at least one")),
        false => Ok(Schedule(chain)),
    }
}

fn one<'a>(value: Value<'a>, epochs: usize, lr: f64) -> Result<(One, Option<Section<'a>>)> {
    let (one, section) = choice::read(value, Schedules::WHAT, KINDS, &[])?;
    let given = |key| section.as_ref().and_then(|s: &Section<'a>| s.get(key));
    if let Some(warmup) = given("warmup_epochs") {
        let epochs_of_warmup = one.number("warmup_epochs");
        if epochs_of_warmup >= epochs as f64 {
            return Err(warmup.place().error(format!(
                "`warmup_epochs` is {epochs_of_warmup}, but must be below `epochs`, which is {epochs}"
            )));
        }
    }
    if let Some(least) = given("min_lr") {
        let expected = format!("at least 0 and below the optimizer's `lr`, which is {lr}");
        least.number(|x| x >= 0.0 && x < lr, &expected)?;
    }
    if one.has("by") && one.word("by") == "step" {
        let unset = |key: &&&str| one.has(key) && *one.setting(key) == Setting::Absent;
        if let Some(key) = ["total", "period"].iter().find(unset) {
            let error = value
                .place()
                .error(format!("a schedule by steps needs `{key}`, in steps"));
            return Err(error.help(format!("for example: {key} = 1000")));
        }
    }
    Ok((one, section))
}

const FROM: Key = Key::or("from", Takes::Count(0), || Setting::Count(0));
const WARMUP: Key = Key::or("warmup_epochs", Takes::NotNegative, || Setting::Number(0.0));
const MIN_LR: Key = Key::or("min_lr", Takes::NotNegative, || Setting::Number(0.0));
const TOTAL: Key = Key::or("total", Takes::Count(1), || Setting::Absent);
const TENTH: Key = Key::or("gamma", Takes::Factor, || Setting::Number(0.1));
/// What times are counted in.
const BY: Key = Key::or("by", Takes::Word(&["epoch", "step"]), || {
    Setting::Word("epoch")
});

pub(super) static KINDS: &[&Kind] = &[
    &CONSTANT,
    &STEP,
    &MULTI_STEP,
    &EXPONENTIAL,
    &LINEAR,
    &POLYNOMIAL,
    &COSINE,
    &COSINE_ANNEALING,
    &COSINE_RESTARTS,
    &ONE_CYCLE,
    &PLATEAU,
];

static CONSTANT: Kind = Kind {
    name: "constant",
    keys: &[WARMUP, FROM],
    build: |_, _| schedule::Schedule::constant(),
};

static STEP: Kind = Kind {
    name: "step",
    keys: &[
        Key::needed("size", Takes::Count(1), "10"),
        TENTH,
        BY,
        WARMUP,
        FROM,
    ],
    build: |s, _| schedule::Schedule::step(s.count("size") as u64, s.number("gamma")),
};

static MULTI_STEP: Kind = Kind {
    name: "multi_step",
    keys: &[
        Key::needed("milestones", Takes::Counts, "[30, 60]"),
        TENTH,
        BY,
        WARMUP,
        FROM,
    ],
    build: |s, _| {
        let milestones = s.counts("milestones").iter().map(|&m| m as u64);
        schedule::Schedule::multi_step(milestones, s.number("gamma"))
    },
};

static EXPONENTIAL: Kind = Kind {
    name: "exponential",
    keys: &[
        Key::or("gamma", Takes::Factor, || Setting::Number(0.9)),
        BY,
        WARMUP,
        FROM,
    ],
    build: |s, _| schedule::Schedule::exponential(s.number("gamma")),
};

static LINEAR: Kind = Kind {
    name: "linear",
    keys: &[
        Key::or("start", Takes::Positive, || Setting::Number(1.0)),
        Key::or("end", Takes::NotNegative, || Setting::Number(0.0)),
        TOTAL,
        BY,
        WARMUP,
        FROM,
    ],
    build: |s, epochs| {
        let total = s.time("total", epochs);
        schedule::Schedule::linear(s.number("start"), s.number("end"), total)
    },
};

static POLYNOMIAL: Kind = Kind {
    name: "polynomial",
    keys: &[
        Key::or("power", Takes::Positive, || Setting::Number(1.0)),
        TOTAL,
        BY,
        WARMUP,
        FROM,
    ],
    build: |s, epochs| schedule::Schedule::polynomial(s.time("total", epochs), s.number("power")),
};

static COSINE: Kind = Kind {
    name: "cosine",
    keys: &[WARMUP, MIN_LR, FROM],
    build: |s, _| schedule::Schedule::cosine(s.number("min_lr")),
};

static COSINE_ANNEALING: Kind = Kind {
    name: "cosine_annealing",
    keys: &[
        Key::or("period", Takes::Count(1), || Setting::Absent),
        MIN_LR,
        BY,
        WARMUP,
        FROM,
    ],
    build: |s, epochs| {
        schedule::Schedule::cosine_annealing(s.time("period", epochs), s.number("min_lr"))
    },
};

static COSINE_RESTARTS: Kind = Kind {
    name: "cosine_restarts",
    keys: &[
        Key::needed("first", Takes::Count(1), "10"),
        Key::or("factor", Takes::Count(1), || Setting::Count(1)),
        MIN_LR,
        BY,
        WARMUP,
        FROM,
    ],
    build: |s, _| {
        let (first, factor) = (s.count("first") as u64, s.count("factor") as u64);
        schedule::Schedule::cosine_restarts(first, factor, s.number("min_lr"))
    },
};

static ONE_CYCLE: Kind = Kind {
    name: "one_cycle",
    keys: &[
        Key::or("pct_start", Takes::Fraction, || Setting::Number(0.3)),
        Key::or("div_factor", Takes::Positive, || Setting::Number(25.0)),
        Key::or("final_div_factor", Takes::Positive, || Setting::Number(1e4)),
        Key::or("linear", Takes::Flag, || Setting::Flag(false)),
        Key::or("three_phase", Takes::Flag, || Setting::Flag(false)),
        WARMUP,
        FROM,
    ],
    build: |s, _| {
        let cycle = schedule::OneCycle::new().pct_start(s.number("pct_start"));
        let cycle = cycle.div_factor(s.number("div_factor"));
        let cycle = cycle.final_div_factor(s.number("final_div_factor"));
        let cycle = cycle.linear(s.flag("linear"));
        cycle.three_phase(s.flag("three_phase")).into()
    },
};

static PLATEAU: Kind = Kind {
    name: "plateau",
    keys: &[
        Key::or("monitor", Takes::Text, || {
            Setting::Text("val_loss".to_string())
        }),
        Key::or("factor", Takes::Fraction, || Setting::Number(0.1)),
        Key::or("patience", Takes::Count(0), || Setting::Count(10)),
        Key::or("threshold", Takes::NotNegative, || Setting::Number(1e-4)),
        Key::or("cooldown", Takes::Count(0), || Setting::Count(0)),
        MIN_LR,
        WARMUP,
        FROM,
    ],
    build: |s, _| {
        let monitor = s.text("monitor");
        let plateau = match wgrad::metrics::higher_is_better(monitor) {
            true => schedule::Plateau::new().rising(monitor),
            false => schedule::Plateau::new().falling(monitor),
        };
        let plateau = plateau.factor(s.number("factor"));
        let plateau = plateau.patience(s.count("patience") as u64);
        let plateau = plateau.cooldown(s.count("cooldown") as u64);
        let plateau = plateau.threshold(s.number("threshold"));
        plateau.min_rate(s.number("min_lr")).into()
    },
};
