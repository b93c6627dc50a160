//! Parses the equations of [`Tensor::einsum`](crate::Tensor::einsum).

use crate::Shape;

/// The name of an axis: the code of a letter, or the position from the right among the axes of an
/// ellipsis.
pub(super) type Label = u32;

/// The names of all axes.
#[derive(Debug, PartialEq)]
pub(super) struct Equation {
    /// The names of each operand's axes.
    pub operands: Vec<Vec<Label>>,
    /// The names of the result's axes, without repetition.
    pub output: Vec<Label>,
}

const DOTS: char = '.';

impl Equation {
    /// Parses an equation for operands of these shapes. Returns a message if it is invalid.
    pub fn read(text: &str, shapes: &[Shape]) -> Result<Equation, String> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left, Some(terms(right, "the result")?)),
            None => (&text[..], None),
        };
        let left: Vec<&str> = left.split(',').collect();
        if left.len() != shapes.len() {
            let (have, want) = (shapes.len(), left.len());
            return Err(format!(
                "the equation has {want} operands, but found {have}"
            ));
        }
        let mut operands = Vec::with_capacity(shapes.len());
        let mut dots = 0;
        for (i, (text, shape)) in left.iter().zip(shapes).enumerate() {
            let what = format!("operand {i}");
            let terms = terms(text, &what)?;
            let letters = terms.iter().filter(|&&c| c != DOTS).count();
            let hidden = match shape.rank().checked_sub(letters) {
                Some(hidden) if hidden == 0 || letters < terms.len() => hidden,
                _ => {
                    let rank = shape.rank();
                    return Err(format!(
                        "{what} has {rank} axes, but the equation names {letters}"
                    ));
                }
            };
            dots = dots.max(hidden);
            operands.push(labels(&terms, hidden));
        }
        let output = match right {
            Some(terms) => labels(&terms, dots),
            None => implicit(&operands, dots),
        };
        for (i, label) in output.iter().enumerate() {
            let name = name(*label);
            if output[..i].contains(label) {
                return Err(format!("the result has {name} twice"));
            }
            if !operands.iter().any(|axes| axes.contains(label)) {
                return Err(format!("no operand has the result's {name}"));
            }
        }
        Ok(Equation { operands, output })
    }
}

/// Returns the text of a label in an equation.
pub(super) fn name(label: Label) -> String {
    match char::from_u32(label).filter(char::is_ascii_alphabetic) {
        Some(letter) => letter.to_string(),
        None => "...".to_string(),
    }
}

/// Returns the letters of a term, with a single dot for an ellipsis.
fn terms(text: &str, what: &str) -> Result<Vec<char>, String> {
    let mut terms = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match rest.strip_prefix("...") {
            Some(after) if !terms.contains(&DOTS) => {
                terms.push(DOTS);
                rest = after;
            }
            None if c.is_ascii_alphabetic() => {
                terms.push(c);
                rest = rest.get(1..).unwrap_or_default();
            }
            _ => {
                return Err(format!(
                    "{what} is {text:?}; expected letters, and \"...\" at most once, found {c:?}"
                ));
            }
        }
    }
    Ok(terms)
}

/// Returns the names of all axes. An ellipsis stands for `hidden` axes.
fn labels(terms: &[char], hidden: usize) -> Vec<Label> {
    let mut labels = Vec::with_capacity(terms.len() + hidden);
    for &c in terms {
        match c {
            DOTS => labels.extend((0..hidden as Label).rev()),
            letter => labels.push(Label::from(letter)),
        }
    }
    labels
}

/// Returns the implicit output: the axes of the ellipsis, then the letters that occur once, in
/// alphabetical order.
fn implicit(operands: &[Vec<Label>], dots: usize) -> Vec<Label> {
    let all = operands.concat();
    let letter = |label: Label| char::from_u32(label).is_some_and(|c| c.is_ascii_alphabetic());
    let once = |label: Label| all.iter().filter(|other| **other == label).count() == 1;
    let mut letters: Vec<Label> = all.clone();
    letters.retain(|&l| letter(l) && once(l));
    letters.sort_unstable();
    (0..dots as Label).rev().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, ranks: &[usize]) -> Result<Equation, String> {
        let shapes: Vec<Shape> = ranks.iter().map(|&r| vec![2; r].into()).collect();
        Equation::read(text, &shapes)
    }

    fn letters(text: &str) -> Vec<Label> {
        text.chars().map(Label::from).collect()
    }

    #[test]
    fn names_follow_the_text() {
        let e = read("b i, bij -> jb", &[2, 3]).unwrap();
        assert_eq!(e.operands, [letters("bi"), letters("bij")]);
        assert_eq!(e.output, letters("jb"));
        assert_eq!(read("ba,ac", &[2, 2]).unwrap().output, letters("bc"));
        assert_eq!(read("ii", &[2]).unwrap().output, letters(""));
        let dots = read("...i,i...", &[3, 2]).unwrap();
        assert_eq!(dots.operands[0], [1, 0, 'i' as u32]);
        assert_eq!(dots.operands[1], ['i' as u32, 0]);
        assert_eq!(dots.output, [1, 0]);
        assert_eq!(read("->", &[0]).unwrap().output, letters(""));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, ranks, want) in [
            (
                "ij",
                &[2, 2][..],
                "the equation has 1 operands, but found 2",
            ),
            ("ij", &[3], "operand 0 has 3 axes, but the equation names 2"),
            (
                "ij...",
                &[1],
                "operand 0 has 1 axes, but the equation names 2",
            ),
            (
                "i1",
                &[2],
                "operand 0 is \"i1\"; expected letters, and \"...\" at most once, found '1'",
            ),
            ("i..", &[2], "found '.'"),
            ("......", &[2], "found '.'"),
            ("i->j", &[1], "no operand has the result's j"),
            ("i->ii", &[1], "the result has i twice"),
            ("i->i->i", &[1], "the result is \"i->i\""),
        ] {
            let error = read(text, ranks).unwrap_err();
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}
