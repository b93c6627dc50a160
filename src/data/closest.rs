//! Suggestions for misspelt names.

/// Returns the candidate closest to `name`, if it is close enough for a likely typing error.
pub(crate) fn closest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let name = name.trim().to_lowercase();
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The edit distance: insertions, deletions, replacements, and swaps of adjacent characters (the
/// "optimal string alignment" of Damerau and Levenshtein). A swap is the most common typing error,
/// and counts as one edit.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut table = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = match (i, j) {
                (i, 0) => i,
                (0, j) => j,
                (i, j) => {
                    let replaced = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let shortest = replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                    let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    match swapped {
                        true => shortest.min(table[i - 2][j - 2] + 1),
                        false => shortest,
                    }
                }
            };
        }
    }
    table[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
        assert_eq!(distance("lable", "label"), 1);
        assert_eq!(distance("ca", "abc"), 3);
    }

    #[test]
    fn only_a_likely_slip_is_suggested() {
        let names = ["label", "p0", "diagnosis"];
        assert_eq!(closest("Lable", names), Some("label"));
        assert_eq!(closest("labl", names), Some("label"));
        assert_eq!(closest("LABEL", names), Some("label"));
        assert_eq!(closest("diagnossi", names), Some("diagnosis"));
        assert_eq!(closest("price", names), None);
    }
}
