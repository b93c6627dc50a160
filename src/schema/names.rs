//! Suggestions for misspelt names.

/// Returns `; did you mean ...?` if one of the names is close to the given one, and an empty string
/// otherwise.
pub fn did_you_mean<'n>(given: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    match closest(given, names) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}

/// Returns the name closest to the given one, unless all are far from it.
fn closest<'n>(given: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let plain = |s: &str| s.to_lowercase().replace(['-', ' '], "_");
    let given = plain(given);
    let names: Vec<&str> = names.into_iter().collect();
    // "output" for "out" and "batch" for "batch_size" have a large edit distance, but are likely
    // meant.
    let begins = |name: &str| {
        let shorter = name.len().min(given.len());
        shorter >= 3 && (name.starts_with(&given) || given.starts_with(name))
    };
    if let Some(name) = names.iter().find(|name| begins(&plain(name))) {
        return Some(name);
    }
    names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&given, &plain(name)), *name))
        .filter(|(distance, name)| *distance <= 1.max(name.len().max(given.len()) / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_likely_slip_is_suggested() {
        let names = ["epochs", "batch_size", "learning_rate", "out"];
        assert_eq!(closest("epocs", names), Some("epochs"));
        assert_eq!(closest("batch", names), Some("batch_size"));
        assert_eq!(closest("Batch-Size", names), Some("batch_size"));
        assert_eq!(closest("output", names), Some("out"));
        assert_eq!(closest("price", names), None);
        assert_eq!(did_you_mean("epocs", names), "; did you mean `epochs`?");
        assert_eq!(did_you_mean("price", names), "");
    }
}
