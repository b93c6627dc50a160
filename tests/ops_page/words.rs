//! Checks that the shapes and element types of an op on the page are those of its `infer`.
//!
//! The words are read as far as they are formulas: `x [.., n]` is a pattern, and all tensors of an
//! op share the letters. For each op of each of the doctor's trials,
//!
//! - the shapes match the patterns, and the element types are those named;
//! - with an input of another type, `infer` fails if a type is named, and succeeds if any type is
//!   allowed;
//! - with a changed axis whose letter two inputs share, `infer` fails.
//!
//! Words that are not formulas (`w` by itself, "initial states") cannot be checked. A size that is
//! more than a letter (`c / groups`) matches any size.

use std::collections::{BTreeMap, BTreeSet};

use wgrad::DType;
use wgrad::doctor::trials;
use wgrad::graph::{Meta, Op};

/// An axis pattern of a tensor.
#[derive(Clone, Debug, PartialEq)]
enum Axis {
    /// Any number of axes: `..`, or `outer..`.
    Several(String),
    /// One axis, by its letter or its number.
    One(String),
    /// One axis of any size.
    Any,
}

/// The pattern of a tensor.
#[derive(Clone, Debug)]
struct Tensor {
    name: String,
    /// The axes, if they are given.
    axes: Option<Vec<Axis>>,
}

/// The description of an op's shapes.
struct Shapes {
    inputs: Vec<Tensor>,
    output: Option<Tensor>,
    /// Whether there may be inputs without a formula.
    more: bool,
}

/// Splits a text at commas outside of brackets, code and parentheses.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut code) = (0, false);
    for c in text.chars() {
        match c {
            '`' => code = !code,
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        match (c, parts.last_mut()) {
            (',', _) if depth == 0 && !code => parts.push(String::new()),
            (c, Some(last)) => last.push(c),
            _ => {}
        }
    }
    parts.iter().map(|p| p.trim().to_string()).collect()
}

/// Returns the first text in backticks.
fn code(part: &str) -> Option<&str> {
    part.split('`').nth(1)
}

fn tensor(part: &str) -> Option<Tensor> {
    let code = code(part)?;
    let Some((name, axes)) = code.split_once('[') else {
        let name = code.to_string();
        return Some(Tensor { name, axes: None });
    };
    let mut dots = 0;
    let mut axis = |text: &str| {
        let text = text.trim();
        match text.strip_suffix("..") {
            Some("") => {
                dots += 1;
                Axis::Several(format!("{dots}"))
            }
            Some(name) => Axis::Several(name.to_string()),
            None if text.contains([' ', '[']) => Axis::Any,
            None => Axis::One(text.to_string()),
        }
    };
    let inside = axes.strip_suffix(']').unwrap_or(axes);
    let axes = parts(inside).iter().map(|a| axis(a)).collect();
    let name = match name.trim() {
        // The name comes first: labels `[batch, s]`.
        "" => part
            .split('`')
            .next()
            .unwrap_or_default()
            .trim()
            .to_string(),
        name => name.to_string(),
    };
    Some(Tensor {
        name,
        axes: Some(axes),
    })
}

impl Shapes {
    fn read(text: &str) -> Shapes {
        let (inputs, output) = text.split_once("; ").unwrap_or((text, ""));
        let all = parts(inputs);
        let inputs: Vec<Tensor> = all.iter().filter_map(|p| tensor(p)).collect();
        let more = inputs.len() < all.len();
        let mut output = parts(output).last().and_then(|p| tensor(p));
        // `y` as `x`.
        let same = text
            .split_once("; ")
            .and_then(|(_, o)| o.split_once("` as `"));
        if let (Some((_, of)), Some(output)) = (same, &mut output) {
            let of = of.trim_end_matches('`');
            output.axes = inputs
                .iter()
                .find(|t| t.name == of)
                .and_then(|t| t.axes.clone());
        }
        Shapes {
            inputs,
            output,
            more,
        }
    }

    /// Returns the pattern of input `i`. With any number of inputs, it is always the same.
    fn input(&self, i: usize) -> Option<&Tensor> {
        let first = self.inputs.first()?;
        match first.name.ends_with("_i") {
            true => Some(first),
            false => self.inputs.get(i),
        }
    }
}

/// The sizes of letters.
type Known = BTreeMap<String, Vec<usize>>;

/// Returns whether all shapes match their patterns simultaneously.
fn fits(all: &[(Vec<Axis>, Vec<usize>)], known: &Known) -> bool {
    let Some(((pattern, shape), rest)) = all.split_first() else {
        return true;
    };
    let Some((axis, later)) = pattern.split_first() else {
        return shape.is_empty() && fits(rest, known);
    };
    let counts = match axis {
        Axis::Several(_) => 0..=shape.len(),
        _ => 1..=1,
    };
    counts.filter(|n| *n <= shape.len()).any(|n| {
        let (own, others) = shape.split_at(n);
        let mut known = known.clone();
        let name = match axis {
            Axis::Several(name) => format!("{name}.."),
            Axis::One(name) => match name.parse::<usize>() {
                Ok(size) if own != [size] => return false,
                Ok(_) => String::new(),
                Err(_) => name.clone(),
            },
            Axis::Any => String::new(),
        };
        // A letter with an index has a different size for each tensor.
        if !name.is_empty() && !name.contains("_i") {
            let had = known.insert(name, own.to_vec());
            if had.is_some_and(|had| had != own) {
                return false;
            }
        }
        let mut all = vec![(later.to_vec(), others.to_vec())];
        all.extend_from_slice(rest);
        fits(&all, &known)
    })
}

/// The element types that a text names; `None` for any.
struct Types {
    /// By input.
    inputs: Vec<Option<DType>>,
    output: Option<DType>,
    /// Whether all inputs have the same type, and the result too.
    alike: bool,
}

fn dtype(word: &str) -> Option<DType> {
    [DType::F32, DType::I32, DType::U32, DType::Bool]
        .into_iter()
        .find(|d| d.to_string() == word.trim_matches('`'))
}

impl Types {
    fn read(text: &str, shapes: &Shapes, count: usize) -> Result<Types, String> {
        let strange = || format!("element types {text:?} are not understood");
        let none = vec![None; count];
        if let Some(one) = dtype(text) {
            return Ok(Types {
                inputs: vec![Some(one); count],
                output: Some(one),
                alike: false,
            });
        }
        if text == "any" || text == "any, the same for all" {
            return Ok(Types {
                inputs: none,
                output: None,
                alike: true,
            });
        }
        if let Some((inputs, output)) = text.split_once("; ") {
            let inputs = parts(inputs).iter().map(|p| dtype(p)).collect();
            return Ok(Types {
                inputs,
                output: Some(dtype(output).ok_or_else(strange)?),
                alike: false,
            });
        }
        // `x` and `dy` `f32`, `label` `u32`.
        let mut types = Types {
            inputs: none,
            output: None,
            alike: false,
        };
        let mut of_output = None;
        for part in parts(text) {
            let (names, word) = part.rsplit_once(' ').ok_or_else(strange)?;
            let wanted = dtype(word);
            if wanted.is_none() && word != "any" {
                return Err(strange());
            }
            for name in names.split(" and ").map(|n| n.trim_matches('`')) {
                let at = (0..count).find(|i| shapes.input(*i).is_some_and(|t| t.name == name));
                match (at, shapes.output.as_ref().is_some_and(|o| o.name == name)) {
                    (Some(at), _) => types.inputs[at] = wanted,
                    (None, true) => of_output = Some(wanted),
                    _ => return Err(format!("nothing is called {name} in {text:?}")),
                }
            }
        }
        // A result without a type has the type of the first input.
        types.output = of_output.unwrap_or(types.inputs.first().copied().flatten());
        Ok(types)
    }
}

/// Returns the possible patterns for this number of inputs and the result.
fn ways(shapes: &Shapes, count: usize, text: &str) -> Vec<Vec<Option<Vec<Axis>>>> {
    let inputs = (0..count).map(|i| shapes.input(i));
    let all = inputs.chain([shapes.output.as_ref()]);
    let plain: Vec<Option<Vec<Axis>>> = all.map(|t| t?.axes.clone()).collect();
    // Then the axes of an input are not those of its parts.
    if text.contains("all in one") && count + 1 < shapes.inputs.len() {
        return vec![vec![None; count + 1]];
    }
    let mut ways = vec![plain];
    if text.contains("either stored transposed") {
        for i in 0..count {
            let mut turned = ways.clone();
            for axes in turned.iter_mut().filter_map(|way| way[i].as_mut()) {
                let n = axes.len();
                axes.swap(n - 2, n - 1);
            }
            ways.extend(turned);
        }
    }
    ways
}

/// Checks an op on inputs of these types.
fn check(
    op: &Op,
    x: &[Meta],
    y: &Meta,
    checks: &mut BTreeMap<&'static str, BTreeSet<&'static str>>,
) -> Result<(), String> {
    let doc = op.def().doc();
    let shapes = Shapes::read(doc.shapes);
    let seen = checks.entry(op.name()).or_default();
    if x.len() > shapes.inputs.len() && !shapes.more && shapes.input(x.len() - 1).is_none() {
        return Err(format!("has {} inputs, but {:?}", x.len(), doc.shapes));
    }
    let all = |said: &[Option<Vec<Axis>>]| -> Vec<(Vec<Axis>, Vec<usize>)> {
        let metas = said.iter().zip(x.iter().chain([y]));
        metas
            .filter_map(|(axes, meta)| Some((axes.clone()?, meta.shape.to_vec())))
            .collect()
    };
    let ways = ways(&shapes, x.len(), doc.shapes);
    let fitting: Vec<_> = (ways.iter())
        .filter(|said| fits(&all(said), &Known::new()))
        .collect();
    let Some(said) = fitting.first() else {
        let given: Vec<String> = x.iter().chain([y]).map(|m| m.shape.to_string()).collect();
        return Err(format!("{given:?} do not match {:?}", doc.shapes));
    };
    if !all(said).is_empty() {
        seen.insert("shapes");
    }
    let types = Types::read(doc.dtypes, &shapes, x.len())?;
    let of = |i: usize| types.inputs.get(i).copied().flatten();
    for (i, meta) in x.iter().enumerate() {
        if of(i).is_some_and(|wanted| wanted != meta.dtype.computed()) {
            return Err(format!("input {i} is {}, but {:?}", meta.dtype, doc.dtypes));
        }
        if types.alike && Some(meta.dtype) != x.first().map(|m| m.dtype) {
            return Err(format!("inputs have several types, but {:?}", doc.dtypes));
        }
    }
    let first = x.first().map_or(y.dtype, |m| m.dtype);
    if y.dtype != types.output.unwrap_or(first) {
        return Err(format!("the result is {}, but {:?}", y.dtype, doc.dtypes));
    }
    // Other types.
    for other in [DType::F32, DType::I32, DType::U32] {
        for i in 0..x.len() {
            let mut changed = x.to_vec();
            let free = of(i).is_none();
            for (j, meta) in changed.iter_mut().enumerate() {
                let along = j == i || free && types.alike;
                meta.dtype = if along { other } else { meta.dtype };
            }
            let (takes, should) = (
                op.def().infer(&changed).is_ok(),
                of(i).is_none_or(|w| w == other),
            );
            if takes != should {
                let what = if takes { "takes" } else { "refuses" };
                return Err(format!("{what} input {i} of {other}, but {:?}", doc.dtypes));
            }
            seen.insert("types");
        }
    }
    // An axis that another input shares. If the shapes match in several ways (a square matrix), no
    // axis has a unique letter.
    let certain = if fitting.len() == 1 { x.len() } else { 0 };
    for i in 0..certain {
        let Some(axes) = &said[i] else { continue };
        for at in 0..x[i].shape.rank() {
            // An axis whose position is not known is not checked.
            let from_end = x[i].shape.rank() - at;
            let several = |axes: &[Axis]| axes.iter().any(|a| matches!(a, Axis::Several(_)));
            let axis = match axes.len().checked_sub(from_end) {
                Some(place) if !several(&axes[place..]) => axes.get(place),
                _ => axes.get(at).filter(|_| !several(&axes[..=at])),
            };
            let Some(Axis::One(letter)) = axis else {
                continue;
            };
            let shares = |j: usize| {
                let other = said[j].as_ref();
                j != i && other.is_some_and(|o| o.contains(&Axis::One(letter.clone())))
            };
            if letter.contains("_i") || !(0..x.len()).any(shares) {
                continue;
            }
            let mut changed = x.to_vec();
            let mut dims = x[i].shape.to_vec();
            dims[at] += 1;
            changed[i].shape = dims.into();
            if op.def().infer(&changed).is_ok() {
                return Err(format!(
                    "takes input {i} with {letter} one larger than another's, but {:?}",
                    doc.shapes
                ));
            }
            seen.insert("letters");
        }
    }
    Ok(())
}

/// Returns the errors, one line per op, and what could be checked for each op.
pub fn wrong() -> (Vec<String>, BTreeMap<&'static str, BTreeSet<&'static str>>) {
    let mut wrong = BTreeMap::new();
    let mut checks = BTreeMap::new();
    for trial in trials() {
        let (graph, _) = trial.trace().unwrap();
        for node in graph.nodes() {
            if matches!(node.op, Op::Elementwise(_)) || wrong.contains_key(node.op.name()) {
                continue;
            }
            let x: Vec<Meta> = node.inputs.iter().map(|x| graph.meta(*x).clone()).collect();
            if let Err(reason) = check(&node.op, &x, &node.meta, &mut checks) {
                wrong.insert(node.op.name(), reason);
            }
        }
    }
    let lines = wrong
        .into_iter()
        .map(|(op, reason)| format!("{op} {reason}"));
    (lines.collect(), checks)
}
