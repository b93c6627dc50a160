//! The gradient of an elementwise function as a formula. Its rule runs on names instead of numbers,
//! and the resulting graph is read back, with each function's formula filled in.

use std::cell::RefCell;
use std::rc::Rc;

use wgrad::graph::{Backward, Elementwise, Function, Graph, Mode, NodeId, Op, Scalar};
use wgrad::{DType, ops};

/// Returns the rule as text: a formula for each argument, `none` or `refused`.
pub fn words(f: &Function) -> String {
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Train)));
    let input = |name: &str, dtype: DType| ops::input(&graph, name, [3], dtype.computed());
    let (arguments, constants) = f.symbols.split_at(f.inputs.len());
    let x: Vec<_> = arguments
        .iter()
        .zip(f.inputs)
        .map(|(name, dtype)| input(name, *dtype))
        .collect();
    let y = input(result(f), f.output);
    let dy = input(&format!("d{}", result(f)), DType::F32);
    let numbers: Vec<Scalar> = (0..constants.len()).map(stand_in).map(Scalar).collect();
    let backward = Backward {
        x: &x,
        y: &y,
        dy: &dy,
    };
    let Ok(grads) = (f.grad)(&backward, &numbers) else {
        return "refused".to_string();
    };
    graph.borrow_mut().take_error().unwrap();
    let graph = graph.borrow();
    let reader = Reader {
        graph: &graph,
        constants,
    };
    let formulas: Vec<String> = arguments
        .iter()
        .zip(&grads)
        .filter_map(|(name, grad)| {
            let formula = reader.read(grad.as_ref()?.id().unwrap(), false);
            Some(format!("`d{name} = {}`", formula.text))
        })
        .collect();
    match formulas.is_empty() {
        true => "none".to_string(),
        false => formulas.join(", "),
    }
}

/// Returns the name of the result: `y`, unless that is an argument.
fn result(f: &Function) -> &'static str {
    if f.symbols.contains(&"y") {
        "result"
    } else {
        "y"
    }
}

/// Returns a number that represents constant `k`. No rule contains it, or a number close to it.
fn stand_in(k: usize) -> f64 {
    4096.5 * (k + 1) as f64
}

/// The precedence of a formula.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Tightness {
    /// Words, a comparison.
    Loose,
    Sum,
    Product,
    /// A name, a number, a call.
    Whole,
}
use Tightness::{Loose, Product, Sum, Whole};

struct Formula {
    text: String,
    tightness: Tightness,
}

impl Formula {
    fn new(text: impl Into<String>, tightness: Tightness) -> Formula {
        let text = text.into();
        Formula { text, tightness }
    }

    /// Adds parentheses unless the formula has at least this precedence.
    fn at_least(&self, tightness: Tightness) -> String {
        match self.tightness >= tightness {
            true => self.text.clone(),
            false => format!("({})", self.text),
        }
    }
}

struct Reader<'a> {
    graph: &'a Graph,
    /// The names of the function's constants.
    constants: &'a [&'static str],
}

impl Reader<'_> {
    /// Returns the formula of a node, by itself or `nested` in a formula.
    fn read(&self, id: NodeId, nested: bool) -> Formula {
        let node = self.graph.node(id);
        let inputs: Vec<Formula> = node.inputs.iter().map(|id| self.read(*id, true)).collect();
        match (&node.op, &inputs[..]) {
            (Op::Input(input), _) => Formula::new(&input.name, Whole),
            (Op::Constant(constant), _) => self.number(constant.value.0),
            (Op::BroadcastTo(_) | Op::Reshape(_), [x]) => Formula::new(&x.text, x.tightness),
            (Op::Elementwise(Elementwise { function, .. }), [a, b]) if function.name == "mul" => {
                // A number comes first.
                let (a, b) = if self.is_number(node.inputs[1]) {
                    (b, a)
                } else {
                    (a, b)
                };
                let text = format!("{} {}", a.at_least(Product), b.at_least(Product));
                Formula::new(text, Product)
            }
            (
                Op::Elementwise(Elementwise {
                    function,
                    constants,
                }),
                _,
            ) => {
                let mut all = inputs;
                all.extend(constants.iter().map(|c| self.number(c.0)));
                // Within a formula, the name of a function with a row is more readable than words.
                match nested && function.formula.contains(',') && function.name != "bool_to_f32" {
                    true => called(function.name, &all),
                    false => filled_in(function, &all),
                }
            }
            (op, inputs) => called(op.name(), inputs),
        }
    }

    /// Returns whether a node is a number, of any shape.
    fn is_number(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        match &node.op {
            Op::Constant(_) => true,
            Op::BroadcastTo(_) | Op::Reshape(_) => self.is_number(node.inputs[0]),
            _ => false,
        }
    }

    /// Returns the text of a number, or the name of a constant of the function.
    fn number(&self, value: f64) -> Formula {
        for (k, name) in self.constants.iter().enumerate() {
            let more = value - stand_in(k);
            if more == 0.0 {
                return Formula::new(*name, Whole);
            }
            if more.abs() < 9.0 {
                let sign = if more > 0.0 { '+' } else { '-' };
                return Formula::new(format!("{name} {sign} {}", more.abs()), Sum);
            }
        }
        Formula::new(value.to_string(), Whole)
    }
}

/// Returns `name(arguments)`.
fn called(name: &str, arguments: &[Formula]) -> Formula {
    let arguments: Vec<&str> = arguments.iter().map(|f| f.text.as_str()).collect();
    Formula::new(format!("{name}({})", arguments.join(", ")), Whole)
}

/// Returns the formula of a function with its arguments substituted.
fn filled_in(f: &Function, arguments: &[Formula]) -> Formula {
    let (tightness, wanted): (_, [Tightness; 2]) = match f.name {
        "add" => (Sum, [Sum, Sum]),
        "sub" => (Sum, [Sum, Product]),
        "neg" => (Sum, [Product, Whole]),
        "div" => (Product, [Product, Whole]),
        "recip" => (Product, [Whole, Whole]),
        "both" | "bool_to_f32" => (Loose, [Loose, Loose]),
        _ if f.formula.contains([',', '<', '>']) || f.output == DType::Bool => (Loose, [Whole; 2]),
        _ if in_one_piece(f.formula) => (Whole, [Whole; 2]),
        _ => (Loose, [Whole; 2]),
    };
    let mut text = String::new();
    let mut rest = f.formula;
    while let Some(first) = rest.chars().next() {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_letter(c)).unwrap_or(rest.len());
        let word = &rest[..end.max(first.len_utf8())];
        rest = &rest[word.len()..];
        match f.symbols.iter().position(|s| *s == word) {
            Some(k) => {
                let inside = text.ends_with(['(', '|']) && rest.starts_with([')', '|', ',']);
                let wanted = if inside { Loose } else { wanted[k.min(1)] };
                text += &arguments[k].at_least(wanted);
            }
            None => text += word,
        }
    }
    Formula::new(text, tightness)
}

/// Returns whether a formula has no space outside of parentheses.
fn in_one_piece(formula: &str) -> bool {
    let mut depth = 0;
    formula.chars().all(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth > 0 || c != ' '
    })
}
