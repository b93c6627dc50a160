//! Mapping the tensors of a file to those of a model: renaming, concatenating several tensors into
//! one, and splitting one into several.

use std::collections::BTreeMap;

use safetensors::tensor::TensorView;

/// Returns the texts that the stars of a pattern match, in order; `None` if the name does not
/// match. The first stars match as little as possible.
fn captures<'a>(pattern: &str, name: &'a str) -> Option<Vec<&'a str>> {
    let Some((first, rest)) = pattern.split_once('*') else {
        return (pattern == name).then(Vec::new);
    };
    let after = name.strip_prefix(first)?;
    // The text after the star must match the rest of the pattern.
    let ends = after.char_indices().map(|(i, _)| i).chain([after.len()]);
    for end in ends {
        let (own, left) = after.split_at(end);
        if let Some(mut others) = captures(rest, left) {
            others.insert(0, own);
            return Some(others);
        }
    }
    None
}

/// Returns a pattern with its stars replaced, in order; additional stars stay.
fn filled(pattern: &str, captured: &[&str]) -> String {
    let mut captured = captured.iter();
    let mut text = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match (c, captured.as_slice().first()) {
            ('*', Some(own)) => {
                text.push_str(own);
                captured.next();
            }
            _ => text.push(c),
        }
    }
    text
}

/// How tensors of a file become those of a model.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    /// One to one.
    Rename { from: String, to: String },
    /// Several are concatenated along their rows.
    Join { from: Vec<String>, to: String },
    /// One is split into several, in the order of its rows.
    Split { from: String, to: Vec<String> },
    /// The tensor is ignored.
    Skip { from: String },
}

/// A tensor of the model as stored in the file: rows of one tensor, or of several concatenated
/// ones.
pub(super) struct Found<'a> {
    /// The tensors, each whole or with a range of rows.
    parts: Vec<(TensorView<'a>, Option<(usize, usize)>)>,
}

impl<'a> From<TensorView<'a>> for Found<'a> {
    fn from(tensor: TensorView<'a>) -> Self {
        Found {
            parts: vec![(tensor, None)],
        }
    }
}

impl Found<'_> {
    /// Returns the sizes of the axes; those of the first tensor if the shapes do not match.
    pub fn shape(&self) -> Vec<usize> {
        let part = |(tensor, rows): &(TensorView, Option<(usize, usize)>)| {
            let mut shape = tensor.shape().to_vec();
            if let (Some(first), Some((from, to))) = (shape.first_mut(), rows) {
                *first = to - from;
            }
            shape
        };
        let mut shapes = self.parts.iter().map(part);
        let mut shape = shapes.next().unwrap_or_default();
        for other in shapes {
            match (shape.split_first_mut(), other.split_first()) {
                (Some((rows, rest)), Some((more, other))) if rest == other => *rows += more,
                _ => return self.parts.first().map(part).unwrap_or_default(),
            }
        }
        shape
    }

    /// Returns element type and shape, for a report.
    pub fn described(&self) -> String {
        let types = self.parts.first().map(|(tensor, _)| tensor.dtype());
        let types = types.map_or(String::new(), |t| t.to_string());
        format!("{types}{:?}", self.shape())
    }

    /// Converts all elements with `numbers`, which converts those of one tensor.
    pub fn numbers(&self, numbers: impl Fn(&TensorView) -> Option<Vec<u32>>) -> Option<Vec<u32>> {
        let mut all = Vec::new();
        for (tensor, rows) in &self.parts {
            let own = numbers(tensor)?;
            match rows {
                None => all.extend(own),
                Some((from, to)) => {
                    let row: usize = tensor.shape().iter().skip(1).product();
                    all.extend_from_slice(own.get(from * row..to * row)?);
                }
            }
        }
        Some(all)
    }
}

/// A tensor that is concatenated from several, by their index.
type Joined<'a> = Vec<Option<TensorView<'a>>>;

/// Returns the tensors of a file with the model's names. `rows` returns the number of rows of a
/// tensor of the model. Tensors that do not match a rule are an error.
pub(super) fn mapped<'a>(
    tensors: impl Iterator<Item = (String, TensorView<'a>)>,
    rules: &[Rule],
    rows: impl Fn(&str) -> Option<usize>,
) -> Result<Vec<(String, Found<'a>)>, String> {
    let mut found: Vec<(String, Found)> = Vec::new();
    let mut joined: BTreeMap<String, (Joined, &[String])> = BTreeMap::new();
    for (name, tensor) in tensors {
        let Some((rule, place, captured)) = first_that_fits(rules, &name) else {
            found.push((name, tensor.into()));
            continue;
        };
        match rule {
            Rule::Skip { .. } => {}
            Rule::Rename { to, .. } => found.push((filled(to, &captured), tensor.into())),
            Rule::Join { from, to } => {
                let to = filled(to, &captured);
                let (parts, _) = joined
                    .entry(to)
                    .or_insert_with(|| (vec![None; from.len()], from));
                if let Some(part) = parts.get_mut(place) {
                    *part = Some(tensor);
                }
            }
            Rule::Split { to, .. } => {
                let have = tensor.shape().first().copied().unwrap_or(0);
                let mut start = 0usize;
                for to in to {
                    let to = filled(to, &captured);
                    let Some(rows) = rows(&to) else {
                        return Err(format!(
                            "{name} is divided into {to}, which the model has not"
                        ));
                    };
                    let end = start.saturating_add(rows);
                    let part = Found {
                        parts: vec![(tensor.clone(), Some((start, end)))],
                    };
                    found.push((to, part));
                    start = end;
                }
                if start != have {
                    return Err(format!(
                        "{name} has {have} rows, but what it is divided into has {start}"
                    ));
                }
            }
        }
    }
    for (name, (parts, from)) in joined {
        let missing = parts.iter().zip(from).find(|(part, _)| part.is_none());
        if let Some((_, pattern)) = missing {
            let count = from.len();
            return Err(format!(
                "{name} is joined of {count} tensors, but there is none like {pattern:?} for it"
            ));
        }
        let parts = parts.into_iter().flatten().map(|tensor| (tensor, None));
        found.push((
            name,
            Found {
                parts: parts.collect(),
            },
        ));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// Returns the first matching rule, the index of the matching pattern, and the texts of its stars.
fn first_that_fits<'r, 'n>(
    rules: &'r [Rule],
    name: &'n str,
) -> Option<(&'r Rule, usize, Vec<&'n str>)> {
    rules.iter().find_map(|rule| {
        let patterns = match rule {
            Rule::Rename { from, .. } | Rule::Split { from, .. } | Rule::Skip { from } => {
                std::slice::from_ref(from)
            }
            Rule::Join { from, .. } => from,
        };
        let mut fits = patterns.iter().enumerate();
        fits.find_map(|(place, pattern)| Some((rule, place, captures(pattern, name)?)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_what_they_capture() {
        let fits = |pattern, name| captures(pattern, name);
        assert_eq!(fits("a.*.b.*", "a.12.b.weight"), Some(vec!["12", "weight"]));
        assert_eq!(fits("*.weight", "a.weight.weight"), Some(vec!["a.weight"]));
        assert_eq!(fits("a.*", "a."), Some(vec![""]));
        assert_eq!(fits("a", "a"), Some(vec![]));
        assert_eq!(fits("a.*.c", "a.b.d"), None);
        assert_eq!(fits("a", "ab"), None);
        assert_eq!(filled("x.*.y.*", &["1", "w"]), "x.1.y.w");
        assert_eq!(filled("x.*.*", &["1"]), "x.1.*");
    }
}
