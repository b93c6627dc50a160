//! The macros for table rows: one formula, written once, compiled in f64 for the reference and in
//! 32-bit words for the CPU device.

/// A 32-bit word in the CPU device's memory, as its element type.
pub(super) trait Word: Copy {
    fn read(word: u32) -> Self;
    fn write(self) -> u32;
    /// Converts a constant of a row.
    fn of(value: f64) -> Self;
}

/// An element of the reference, stored in f64, as its element type.
pub(super) trait Wide: Copy {
    fn read(value: f64) -> Self;
    fn write(self) -> f64;
}

macro_rules! stored {
    ($t:ty, $word:ident => $from_word:expr, $self:ident => $to_word:expr, $value:ident => $of:expr) => {
        impl Word for $t {
            #[inline(always)]
            fn read($word: u32) -> Self {
                $from_word
            }
            #[inline(always)]
            fn write($self) -> u32 {
                $to_word
            }
            fn of($value: f64) -> Self {
                $of
            }
        }
    };
}
stored!(f32, w => f32::from_bits(w), self => self.to_bits(), v => v as f32);
stored!(u32, w => w, self => self, v => v as u32);
stored!(i32, w => w as i32, self => self as u32, v => v as i32);
stored!(bool, w => w != 0, self => u32::from(self), v => v != 0.0);

macro_rules! wide {
    ($t:ty, $v:ident => $from:expr, $self:ident => $to:expr) => {
        impl Wide for $t {
            fn read($v: f64) -> Self {
                $from
            }
            fn write($self) -> f64 {
                $to
            }
        }
    };
}
wide!(f64, v => v, self => self);
wide!(u32, v => v as u32, self => f64::from(self));
wide!(i32, v => v as i32, self => f64::from(self));
wide!(bool, v => v != 0.0, self => f64::from(u8::from(self)));

/// The type in which the reference computes: floats become f64, the others stay.
macro_rules! wide_type {
    (f32) => {
        f64
    };
    (f16) => {
        f64
    };
    (bf16) => {
        f64
    };
    ($t:ident) => {
        $t
    };
}
pub(super) use wide_type;

/// Returns the [`crate::DType`] of a type's name.
macro_rules! dtype {
    (f32) => {
        $crate::DType::F32
    };
    (f16) => {
        $crate::DType::F16
    };
    (bf16) => {
        $crate::DType::Bf16
    };
    (u32) => {
        $crate::DType::U32
    };
    (i32) => {
        $crate::DType::I32
    };
    (bool) => {
        $crate::DType::Bool
    };
}
pub(super) use dtype;

/// Defines a row of the table as a `static`:
///
/// `row!(NAME "name" "formula" library, (x: f32, y: f32)[c: f32] -> f32 = expression; grad = rule; field: value, ...)`.
/// The expression must be valid in f32 and in f64. With `indexed i,` before the name, it may use
/// the element's index `i: u32`.
macro_rules! row {
    ($id:ident $($rest:tt)*) => {
        $crate::ops::elementwise::row::row_of!(false, _index, $id $($rest)*);
    };
}
pub(super) use row;

/// Defines a [`row`] whose expression uses the element's index: `indexed_row!(i, NAME ...)`.
macro_rules! indexed_row {
    ($i:ident, $($rest:tt)*) => {
        $crate::ops::elementwise::row::row_of!(true, $i, $($rest)*);
    };
}

macro_rules! row_of {
    ($indexed:literal, $i:ident, $id:ident $name:literal $formula:literal $library:literal,
     ($($x:ident: $xt:ident),*) [$($c:ident: $ct:ident),*] -> $yt:ident = $body:expr;
     grad = $grad:expr; $($field:ident: $value:expr),* $(,)?) => {
        #[doc = concat!("`", $formula, "`")]
        pub(super) static $id: $crate::graph::Function = $crate::graph::Function {
            $($field: $value,)*
            ..$crate::graph::Function {
                name: $name,
                formula: $formula,
                library: $library,
                symbols: &[$(stringify!($x),)* $(stringify!($c)),*],
                inputs: &[$($crate::ops::elementwise::row::dtype!($xt)),*],
                constants: &[$($crate::ops::elementwise::row::dtype!($ct)),*],
                output: $crate::ops::elementwise::row::dtype!($yt),
                uses_index: $indexed,
                reference: |index, x, c| {
                    use $crate::ops::elementwise::row::Wide;
                    let $i = index as u32;
                    let mut _args = x.iter().chain(c).copied();
                    $(let $x = <$crate::ops::elementwise::row::wide_type!($xt) as Wide>::read(_args.next().unwrap_or(f64::NAN));)*
                    $(let $c = <$crate::ops::elementwise::row::wide_type!($ct) as Wide>::read(_args.next().unwrap_or(f64::NAN));)*
                    let y: $crate::ops::elementwise::row::wide_type!($yt) = $body;
                    Wide::write(y)
                },
                block: |_first, x, c, y| {
                    use $crate::ops::elementwise::row::Word;
                    let mut _constants = c.iter().copied();
                    $(let $c = <$ct as Word>::of(_constants.next().unwrap_or(f64::NAN));)*
                    let n = y.len();
                    let mut _blocks = x.iter().map(|x| x.get(..n).unwrap_or(&[]));
                    $(let $x = _blocks.next().unwrap_or(&[]);)*
                    $crate::ops::rows::widest(
                        #[inline(always)]
                        || {
                            // The lengths are equal, so the loop needs no bounds checks and is
                            // vectorized.
                            if y.len() != n $(|| $x.len() != n)* {
                                return;
                            }
                            for k in 0..n {
                                let $i = _first.wrapping_add(k as u32);
                                $(let $x = <$xt as Word>::read($x[k]);)*
                                let value: $yt = $body;
                                y[k] = Word::write(value);
                            }
                        },
                    );
                },
                grad: $grad,
                precision: $crate::graph::Precision::Half,
                algebra: $crate::graph::Algebra::NONE,
                ulp: 1.0,
                ulp_per_x: 0.0,
                abs: 0.0,
                domain: (-4.0, 4.0),
                kinks: &[],
                examples: &[],
            }
        };
    };
}
pub(super) use row_of;
