//! The methods and operators of [`Tensor`] that are elementwise functions.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::graph::{Elementwise, Function, Op, Scalar};
use crate::{DType, Source, Tensor};

use super::{activation as act, arithmetic as ar, broadcast_all, compare as cmp, half_precision};

/// Applies a function, broadcasting the inputs together. Errors are attributed to the caller.
#[track_caller]
pub(crate) fn apply_with(f: &'static Function, inputs: &[&Tensor], constants: &[Scalar]) -> Tensor {
    apply_at(f, inputs, constants, Source::caller())
}

pub(super) fn apply_at(
    f: &'static Function,
    x: &[&Tensor],
    constants: &[Scalar],
    caller: Source,
) -> Tensor {
    let op = Op::Elementwise(Elementwise {
        function: f,
        constants: constants.to_vec(),
    });
    match broadcast_all(x, caller) {
        Some(x) => Tensor::apply(op, &x.iter().collect::<Vec<_>>(), caller),
        // The op's own shape rule words the error.
        None => Tensor::apply(op, x, caller),
    }
}

/// Methods of one argument and no constants.
macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident = $function:expr;)*) => {
        impl Tensor {
            $($(#[$doc])* ///
            /// Takes and gives `f32` of any shape.
            #[track_caller]
            pub fn $name(&self) -> Tensor {
                apply_with(&$function, &[self], &[])
            })*
        }
    };
}

pub(super) use unary;

/// Methods of two arguments, broadcast together.
macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident = $function:expr;)*) => {
        impl Tensor {
            $($(#[$doc])* ///
            /// The shapes broadcast together by NumPy's rule.
            #[track_caller]
            pub fn $name(&self, other: &Tensor) -> Tensor {
                apply_with(&$function, &[self, other], &[])
            })*
        }
    };
}
pub(super) use binary;

unary! {
    /// `|x|`; the gradient at 0 is 0.
    abs = ar::ABS;
    /// -1, 0 or 1; the gradient is 0.
    sign = ar::SIGN;
    /// `x^2`.
    square = ar::SQUARE;
    /// `sqrt(x)`.
    sqrt = ar::SQRT;
    /// `1 / sqrt(x)`.
    rsqrt = ar::RSQRT;
    /// `1 / x`.
    recip = ar::RECIP;
    /// `e^x`.
    exp = ar::EXP;
    /// `e^x - 1`, accurate near 0.
    expm1 = ar::EXPM1;
    /// The natural logarithm.
    log = ar::LOG;
    /// `ln(1 + x)`, accurate near 0.
    log1p = ar::LOG1P;
    /// `sin(x)`, x in radians.
    sin = ar::SIN;
    /// `cos(x)`, x in radians.
    cos = ar::COS;
    /// `erf(x)`.
    erf = act::ERF;
    /// `max(x, 0)`; the gradient at 0 is 0.
    relu = act::RELU;
    /// `1 / (1 + e^-x)`.
    sigmoid = act::SIGMOID;
    /// `tanh(x)`.
    tanh = act::TANH;
    /// `x (1 + erf(x / sqrt(2))) / 2`.
    gelu = act::GELU;
    /// GELU by `tanh`, as in GPT-2.
    gelu_tanh = act::GELU_TANH;
    /// `x sigmoid(x)`, also called swish.
    silu = act::SILU;
    /// `ln(1 + e^x)`. PyTorch's gives `x` itself past 20, which is off by less than 3e-9.
    softplus = act::SOFTPLUS;
    /// `x / (1 + |x|)`.
    softsign = act::SOFTSIGN;
    /// `x tanh(ln(1 + e^x))`.
    mish = act::MISH;
    /// Whether the element is NaN; gives `bool`.
    is_nan = cmp::IS_NAN;
}

binary! {
    /// `(a - b)^2`. In one piece, a variance's sum makes it on the way, and stores neither difference nor
    /// square.
    squared_difference = ar::SQUARED_DIFFERENCE;
    /// The larger of two; at a tie each gets half of the gradient.
    maximum = ar::MAXIMUM;
    /// The smaller of two; at a tie each gets half of the gradient.
    minimum = ar::MINIMUM;
    /// Whether both hold; takes and gives `bool`.
    logical_and = cmp::AND;
    /// Whether one of them holds; takes and gives `bool`.
    logical_or = cmp::OR;
    /// Whether one of them holds, but not both; takes and gives `bool`.
    logical_xor = cmp::XOR;
    /// How much of the gradient of `maximum(self, other)` goes to `self`.
    share = cmp::SHARE;
    /// Binary cross-entropy of the probability `self` and the target `other` (0, 1 or between).
    /// Saturated probabilities give at most 100, and finite gradients, as in PyTorch.
    binary_cross_entropy = act::BCE;
}

impl Tensor {
    /// Whether it does not hold; takes and gives `bool`.
    #[track_caller]
    pub fn logical_not(&self) -> Tensor {
        apply_with(&cmp::NOT, &[self], &[])
    }

    /// `a` where `self` (a `bool`) holds, else `b`; like `torch.where`.
    #[track_caller]
    pub fn select(&self, a: &Tensor, b: &Tensor) -> Tensor {
        apply_with(&cmp::WHERE, &[self, a, b], &[])
    }

    /// `x` where `x > 0`, else `slope x`.
    #[track_caller]
    pub fn leaky_relu(&self, slope: f64) -> Tensor {
        apply_with(&act::LEAKY_RELU, &[self], &[Scalar(slope)])
    }

    /// `x` where `x > 0`, else `alpha (e^x - 1)`.
    #[track_caller]
    pub fn elu(&self, alpha: f64) -> Tensor {
        apply_with(&act::ELU, &[self], &[Scalar(alpha)])
    }

    /// `ln(sigmoid(x))`, which is `-softplus(-x)` and never infinite.
    #[track_caller]
    pub fn log_sigmoid(&self) -> Tensor {
        -((-self).softplus())
    }

    /// `x` held between `low` and `high`; the gradient at the bounds is 0. Where `low` is above `high`,
    /// everything becomes `high`, as in PyTorch.
    #[track_caller]
    pub fn clamp(&self, low: f64, high: f64) -> Tensor {
        apply_with(&ar::CLAMP, &[self], &[Scalar(low), Scalar(high)])
    }

    /// `x` held at `low` at least; the gradient at the bound is 0.
    #[track_caller]
    pub fn clamp_min(&self, low: f64) -> Tensor {
        self.clamp(low, f64::from(f32::MAX))
    }

    /// `x` held at `high` at most; the gradient at the bound is 0.
    #[track_caller]
    pub fn clamp_max(&self, high: f64) -> Tensor {
        self.clamp(f64::from(f32::MIN), high)
    }

    /// `x^p`. Small whole exponents are products. Negative `x` have whole powers only; the others are NaN.
    /// `x^0` is 1 everywhere, with a gradient of 0. For an exponent of each element's own see
    /// [`Tensor::pow`].
    #[track_caller]
    pub fn powf(&self, p: f64) -> Tensor {
        match p {
            0.0 => self.full_like(1.0),
            1.0 => self.clone(),
            2.0 => self.square(),
            3.0 => self.square() * self,
            4.0 => self.square().square(),
            -1.0 => self.recip(),
            -2.0 => self.square().recip(),
            0.5 => self.sqrt(),
            -0.5 => self.rsqrt(),
            _ => apply_with(&ar::POW, &[self], &[Scalar(p)]),
        }
    }

    /// The elements as another type: to integers floats are rounded towards 0, `bool` is 0 or 1, and a number
    /// is true where it is not 0. Casts to [`DType::F16`] and [`DType::Bf16`] round to nearest, ties to
    /// even, and overflow to infinity. Integers pass no gradient; rounding to half precision passes it through.
    #[track_caller]
    pub fn cast(&self, to: DType) -> Tensor {
        use DType::{Bf16, Bool, F16, F32, I32, U32};
        let f = match (self.dtype(), to) {
            (F32, I32) => &cmp::F32_TO_I32,
            (F32, U32) => &cmp::F32_TO_U32,
            (F32, Bool) => &cmp::F32_TO_BOOL,
            (I32, F32) => &cmp::I32_TO_F32,
            (I32, U32) => &cmp::I32_TO_U32,
            (I32, Bool) => &cmp::I32_TO_BOOL,
            (U32, F32) => &cmp::U32_TO_F32,
            (U32, I32) => &cmp::U32_TO_I32,
            (U32, Bool) => &cmp::U32_TO_BOOL,
            (Bool, F32) => &cmp::BOOL_TO_F32,
            (Bool, I32) => &cmp::BOOL_TO_I32,
            (Bool, U32) => &cmp::BOOL_TO_U32,
            (from, to) if from == to => return self.clone(),
            (F16, F32) => &half_precision::F16_TO_F32,
            (Bf16, F32) => &half_precision::BF16_TO_F32,
            (F32 | Bf16, F16) => &half_precision::F32_TO_F16,
            (F32 | F16, Bf16) => &half_precision::F32_TO_BF16,
            // All others go through f32, which is exact for half precision.
            _ => return self.cast(F32).cast(to),
        };
        apply_with(f, &[self], &[])
    }
}

/// The sum's row for an element type.
fn add_function(dtype: DType) -> &'static Function {
    match dtype {
        DType::U32 => &ar::ADD_U32,
        DType::I32 => &ar::ADD_I32,
        _ => &ar::ADD,
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $function:expr) => {
        impl $trait<&Tensor> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: &Tensor) -> Tensor {
                let f: fn(DType) -> &'static Function = $function;
                apply_at(f(self.dtype()), &[self, other], &[], Source::caller())
            }
        }
        impl $trait<Tensor> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: Tensor) -> Tensor {
                $trait::$method(self, &other)
            }
        }
        impl $trait<&Tensor> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: &Tensor) -> Tensor {
                $trait::$method(&self, other)
            }
        }
        impl $trait<Tensor> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: Tensor) -> Tensor {
                $trait::$method(&self, &other)
            }
        }
        impl $trait<f64> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: f64) -> Tensor {
                $trait::$method(self, &self.constant_like(other))
            }
        }
        impl $trait<f64> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: f64) -> Tensor {
                $trait::$method(&self, other)
            }
        }
        impl $trait<&Tensor> for f64 {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: &Tensor) -> Tensor {
                $trait::$method(&other.constant_like(self), other)
            }
        }
        impl $trait<Tensor> for f64 {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: Tensor) -> Tensor {
                $trait::$method(self, &other)
            }
        }
    };
}
operator!(Add, add, add_function);
operator!(Sub, sub, |_| &ar::SUB);
operator!(Mul, mul, |_| &ar::MUL);
operator!(Div, div, |_| &ar::DIV);

impl Neg for &Tensor {
    type Output = Tensor;
    #[track_caller]
    fn neg(self) -> Tensor {
        apply_with(&ar::NEG, &[self], &[])
    }
}
impl Neg for Tensor {
    type Output = Tensor;
    #[track_caller]
    fn neg(self) -> Tensor {
        -&self
    }
}
