//! A wrong axis, rank, shape, element type or equation is a readable error with the user's line, on
//! each device. Covers views, concatenation, indexing, creation and einsum, with a row each.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::panic::Location;
use std::sync::Arc;

use wgrad::data::{Dataset, Targets};
use wgrad::nn::{Module, Visitor};
use wgrad::ops::PadMode::{Reflect, Replicate};
use wgrad::{DType, Device, Tensor, Trainer};

type Call = Arc<dyn Fn(&Tensor) -> Tensor + Send + Sync>;

/// A wrong call on `x`, `f32[2, 3, 4]`, its error, and the line of the row.
struct Row {
    call: Call,
    want: &'static str,
    line: u32,
}

#[track_caller]
fn row(want: &'static str, call: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) -> Row {
    Row {
        call: Arc::new(call),
        want,
        line: Location::caller().line(),
    }
}

/// Integers of the tensor's shape.
fn whole(x: &Tensor) -> Tensor {
    x.cast(DType::U32)
}

fn rows() -> Vec<Row> {
    vec![
        row("reshape: [5] has 5 elements, but the input has 24", |x| {
            x.reshape([5])
        }),
        row(
            "permute: [0, 1] does not name each of the 3 axes once",
            |x| x.permute(&[0, 1]),
        ),
        row(
            "transpose: the tensor has 3 axes; there are no axes 0 and 3",
            |x| x.transpose(0, 3),
        ),
        row(
            "broadcast_to: [2, 3, 4] does not broadcast to [2, 3, 5]",
            |x| x.broadcast_to([2, 3, 5]),
        ),
        row("expand: [2, 3, 4] does not expand to [-1, 4]", |x| {
            x.expand(&[-1, 4])
        }),
        row("squeeze: there is no axis 0 of size 1", |x| x.squeeze(0)),
        row(
            "unsqueeze: the result has 4 axes; there is no axis 4",
            |x| x.unsqueeze(4),
        ),
        row(
            "slice: axis 2 has 4 elements; 3 from 2 with step 1 are out of range",
            |x| x.narrow(-1, 2, 3),
        ),
        row(
            "slice: axis 0 has 2 elements; 1 from 0 with step 0 are out of range",
            |x| x.slice(&[0, 0, 0], &[1, 1, 1], &[0, 1, 1]),
        ),
        row("flip: the tensor has 3 axes; there is no axis 3", |x| {
            x.flip(&[3])
        }),
        row("roll: the tensor has 3 axes; there is no axis -4", |x| {
            x.roll(&[1], &[-4])
        }),
        row("repeat: [2, 2] names 2 of 3 axes", |x| x.repeat(&[2, 2])),
        row("split: the parts [1, 2] do not add up to axis 2", |x| {
            x.split(&[1, 2], 2).remove(0)
        }),
        row(
            "chunk: the number of parts is 0, but must be at least 1",
            |x| x.chunk(0, 0).remove(0),
        ),
        row(
            "concat: the inputs must agree in their element type and in all axes except 1",
            |x| Tensor::concat(&[x, &x.narrow(0, 0, 1)], 1),
        ),
        row("concat: expected at least 1 tensor, found none", |x| {
            x + Tensor::concat(&[], 0)
        }),
        row("pad: 4 pairs of widths for 3 axes", |x| {
            x.pad(&[(1, 1); 4], Replicate)
        }),
        row(
            "pad: axis 2 has 4 elements, so a reflection must be smaller than 4; found 1 and 4",
            |x| x.pad(&[(1, 4)], Reflect),
        ),
        row("tril: expected matrices [.., m, n] of f32 or bool", |x| {
            whole(x).tril(0)
        }),
        row("triu: expected matrices [.., m, n] of f32 or bool", |x| {
            x.reshape([24]).triu(0)
        }),
        row(
            "gather: the row indices must be u32; see `Tensor::cast`",
            |x| x.gather(x),
        ),
        row(
            "take_along_dim: the indices must be u32; see `Tensor::cast`",
            |x| x.take_along_dim(x, 0),
        ),
        row(
            "take_along_dim: the shapes must agree in all axes but 1",
            |x| x.take_along_dim(&whole(x).narrow(2, 0, 3), 1),
        ),
        row(
            "take_along_dim: the tensor has 3 axes; there is no axis 5",
            |x| x.take_along_dim(&whole(x), 5),
        ),
        row(
            "index_select: expected indices u32 [m], found f32 [2, 3, 4]",
            |x| x.index_select(0, x),
        ),
        row(
            "scatter_add: rows [ids.., ..] require indices [ids..], one per row",
            |x| x.scatter_add(&x.numbers(5), 7),
        ),
        row(
            "scatter_add_dim: indices [5] and elements [2, 3, 4] must have the same shape, which agrees with [2, 3, 4] in \
             all axes but 0",
            |x| x.scatter_add_dim(0, &x.numbers(5), x),
        ),
        row(
            "one_hot: the class indices must be u32, found f32; see `Tensor::cast`",
            |x| x.one_hot(3),
        ),
        row(
            "choose: input 0 must be bool, found f32; see `Tensor::cast`",
            |x| x.masked_fill(x, 0.0),
        ),
        row(
            "arange: expected a range of 0 to 2^24 numbers, found the range from 0 to 1 by -1",
            |x| x.arange(0.0, 1.0, -1.0),
        ),
        row(
            "random_bernoulli: expected a probability from 0 to 1, found NaN",
            |x| x.random_bernoulli(f64::NAN, [3]),
        ),
        row(
            "einsum: \"bij,bjk->bik\": j is 3 in operand 1, and 4 before\n  inputs: f32[2, 3, 4], f32[2, 3, 4]",
            |x| Tensor::einsum("bij,bjk->bik", &[x, x]),
        ),
        row(
            "einsum: \"ij->i\": operand 0 has 3 axes, but the equation names 2\n  inputs: f32[2, 3, 4]",
            |x| Tensor::einsum("ij->i", &[x]),
        ),
        row(
            "einsum: \"bij->\": expected f32, found u32; see `Tensor::cast`",
            |x| Tensor::einsum("bij->", &[&whole(x)]),
        ),
        row("einsum: expected at least 1 tensor, found none", |x| {
            x + Tensor::einsum("->", &[])
        }),
    ]
}

/// A model with this call.
struct Wrong(Call);

impl Module for Wrong {
    fn forward(&self, x: &Tensor) -> Tensor {
        (self.0)(x)
    }
    fn visit(&self, _: &mut Visitor) {}
}

fn say_so(device: &Device) {
    let set = Dataset::from_arrays(vec![1.0; 48], [3, 4], Targets::values(vec![0.0; 4])).unwrap();
    let rows = rows();
    let ends = rows.iter().skip(1).map(|row| row.line).chain([u32::MAX]);
    for (row, end) in rows.iter().zip(ends) {
        let error = Trainer::new(Wrong(Arc::clone(&row.call))).compile(device, &set);
        let Err(error) = error else {
            panic!("no error says {:?}", row.want);
        };
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("{}\n", row.want)),
            "{:?}:\n{text}",
            row.want
        );
        let line = text
            .split("at tests/mistakes.rs:")
            .nth(1)
            .unwrap_or_else(|| panic!("{text}"));
        let digits = line.split(|c: char| !c.is_ascii_digit()).next().unwrap();
        let line: u32 = digits.parse().unwrap();
        assert!((row.line..end).contains(&line), "not in its row:\n{text}");
    }
}

#[test]
fn the_cpu_says_what_is_wrong_and_where() {
    say_so(&Device::cpu());
}

#[test]
fn a_gpu_says_the_same() {
    if let Some(device) = common::gpu() {
        say_so(&device);
    }
}
