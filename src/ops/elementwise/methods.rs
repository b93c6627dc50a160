//! The methods and operators of [`Tensor`] that are elementwise functions.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::graph::{Elementwise, Function, Op, Scalar};
use crate::{DType, Source, Tensor};

use super::{activation as act, arithmetic as ar, broadcast_all, compare as cmp, half_precision};

/// Applies a function to the inputs, broadcast to a common shape. Errors are attributed to the
/// caller.
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
        // The shape rule of the op returns the error.
        None => Tensor::apply(op, x, caller),
    }
}

/// Defines methods of one argument without constants.
macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident = $function:expr;)*) => {
        impl Tensor {
            $($(#[$doc])* ///
            /// Input and result are `f32` of the same shape.
            #[track_caller]
            pub fn $name(&self) -> Tensor {
                apply_with(&$function, &[self], &[])
            })*
        }
    };
}

pub(super) use unary;

/// Defines methods of two arguments, which are broadcast.
macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident = $function:expr;)*) => {
        impl Tensor {
            $($(#[$doc])* ///
            /// The shapes broadcast by NumPy's rules.
            #[track_caller]
            pub fn $name(&self, other: &Tensor) -> Tensor {
                apply_with(&$function, &[self, other], &[])
            })*
        }
    };
}
pub(super) use binary;

unary! {
    /// Computes `|x|`; the gradient at 0 is 0.
    abs = ar::ABS;
    /// Returns the sign: -1, 0 or 1; the gradient is 0.
    sign = ar::SIGN;
    /// Computes `x^2`.
    square = ar::SQUARE;
    /// Computes `sqrt(x)`.
    sqrt = ar::SQRT;
    /// Computes `1 / sqrt(x)`.
    rsqrt = ar::RSQRT;
    /// Computes `1 / x`.
    recip = ar::RECIP;
    /// Computes `e^x`.
    exp = ar::EXP;
    /// Computes `e^x - 1`, accurate near 0.
    expm1 = ar::EXPM1;
    /// Computes the natural logarithm.
    log = ar::LOG;
    /// Computes `ln(1 + x)`, accurate near 0.
    log1p = ar::LOG1P;
    /// Computes `sin(x)`, x in radians.
    sin = ar::SIN;
    /// Computes `cos(x)`, x in radians.
    cos = ar::COS;
    /// Computes the error function `erf(x)`.
    erf = act::ERF;
    /// Computes `max(x, 0)`; the gradient at 0 is 0.
    relu = act::RELU;
    /// Computes `1 / (1 + e^-x)`.
    sigmoid = act::SIGMOID;
    /// Computes `tanh(x)`.
    tanh = act::TANH;
    /// Computes `x (1 + erf(x / sqrt(2))) / 2`.
    gelu = act::GELU;
    /// Computes the tanh approximation of GELU, as in GPT-2.
    gelu_tanh = act::GELU_TANH;
    /// Computes `x sigmoid(x)`, also called swish.
    silu = act::SILU;
    /// Computes `ln(1 + e^x)`. PyTorch returns `x` for `x > 20`, which differs by less than 3e-9.
    softplus = act::SOFTPLUS;
    /// Computes `x / (1 + |x|)`.
    softsign = act::SOFTSIGN;
    /// Computes `x tanh(ln(1 + e^x))`.
    mish = act::MISH;
    /// Returns whether each element is NaN, as `bool`.
    is_nan = cmp::IS_NAN;
}

binary! {
    /// Computes `(a - b)^2`. As one function, it fuses into the sum of a variance, which then
    /// stores neither the difference nor the square.
    squared_difference = ar::SQUARED_DIFFERENCE;
    /// Computes the larger of two; at equality each gets half of the gradient.
    maximum = ar::MAXIMUM;
    /// Computes the smaller of two; at equality each gets half of the gradient.
    minimum = ar::MINIMUM;
    /// Computes the logical and of `bool` tensors.
    logical_and = cmp::AND;
    /// Computes the logical or of `bool` tensors.
    logical_or = cmp::OR;
    /// Computes the logical exclusive or of `bool` tensors.
    logical_xor = cmp::XOR;
    /// Returns the share of the gradient of `maximum(self, other)` that `self` gets.
    share = cmp::SHARE;
    /// Computes the binary cross-entropy of the probability `self` and the target `other` (from 0
    /// to 1). Saturated probabilities give at most 100, and finite gradients, as in PyTorch.
    binary_cross_entropy = act::BCE;
}

impl Tensor {
    /// Computes the logical not of a `bool` tensor.
    #[track_caller]
    pub fn logical_not(&self) -> Tensor {
        apply_with(&cmp::NOT, &[self], &[])
    }

    /// Returns `a` where `self` (a `bool`) is true, else `b`, as `torch.where`.
    ///
    /// # Example
    /// ```
    /// use wgrad::Device;
    ///
    /// let y = wgrad::eval(&Device::cpu(), |g| {
    ///     let x = g.tensor([3], [-2.0, 0.0, 3.0]);
    ///     x.gt_scalar(0.0).select(&x, &x.full_like(-1.0))
    /// })?;
    /// assert_eq!(y.data, [-1.0, -1.0, 3.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    #[track_caller]
    pub fn select(&self, a: &Tensor, b: &Tensor) -> Tensor {
        apply_with(&cmp::WHERE, &[self, a, b], &[])
    }

    /// Computes `x` where `x > 0`, else `slope x`.
    #[track_caller]
    pub fn leaky_relu(&self, slope: f64) -> Tensor {
        apply_with(&act::LEAKY_RELU, &[self], &[Scalar(slope)])
    }

    /// Computes `x` where `x > 0`, else `alpha (e^x - 1)`.
    #[track_caller]
    pub fn elu(&self, alpha: f64) -> Tensor {
        apply_with(&act::ELU, &[self], &[Scalar(alpha)])
    }

    /// Computes `ln(sigmoid(x))` as `-softplus(-x)`, which is never infinite.
    #[track_caller]
    pub fn log_sigmoid(&self) -> Tensor {
        -((-self).softplus())
    }

    /// Clamps `x` to `[low, high]`; the gradient at the bounds is 0. If `low > high`, all elements
    /// become `high`, as in PyTorch.
    #[track_caller]
    pub fn clamp(&self, low: f64, high: f64) -> Tensor {
        apply_with(&ar::CLAMP, &[self], &[Scalar(low), Scalar(high)])
    }

    /// Clamps `x` to at least `low`; the gradient at the bound is 0.
    #[track_caller]
    pub fn clamp_min(&self, low: f64) -> Tensor {
        self.clamp(low, f64::INFINITY)
    }

    /// Clamps `x` to at most `high`; the gradient at the bound is 0.
    #[track_caller]
    pub fn clamp_max(&self, high: f64) -> Tensor {
        self.clamp(f64::NEG_INFINITY, high)
    }

    /// Computes `x^p`. Small integer exponents are products. For a negative `x` and an exponent
    /// that is not an integer, the result is NaN. `x^0` is 1 everywhere, with a gradient of 0. See
    /// [`Tensor::pow`] for exponents in a tensor.
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

    /// Converts the elements to another type. Floats are rounded towards 0 to integers. A `bool`
    /// becomes 0 or 1, and a number becomes true if it is not 0. Casts to [`DType::F16`] and
    /// [`DType::Bf16`] round to nearest, ties to even, and overflow to infinity. Casts to and from
    /// integers pass no gradient; rounding to half precision does.
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

/// Returns the row of addition for an element type.
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
