//! Parses the header of NumPy's arrays: the text of a Python dictionary.

/// The type of an array's elements, as in NumPy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Element {
    F2,
    F4,
    F8,
    I1,
    I2,
    I4,
    I8,
    U1,
    U2,
    U4,
    U8,
    B1,
}

impl Element {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "f2" => Element::F2,
            "f4" => Element::F4,
            "f8" => Element::F8,
            "i1" => Element::I1,
            "i2" => Element::I2,
            "i4" => Element::I4,
            "i8" => Element::I8,
            "u1" => Element::U1,
            "u2" => Element::U2,
            "u4" => Element::U4,
            "u8" => Element::U8,
            "b1" => Element::B1,
            _ => return None,
        })
    }

    /// The number of bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Element::I1 | Element::U1 | Element::B1 => 1,
            Element::F2 | Element::I2 | Element::U2 => 2,
            Element::F4 | Element::I4 | Element::U4 => 4,
            Element::F8 | Element::I8 | Element::U8 => 8,
        }
    }
}

/// The layout of an array.
pub(super) struct Header {
    pub element: Element,
    pub dims: Vec<usize>,
    big_endian: bool,
    /// Whether the first axis is the fastest one.
    fortran: bool,
}

impl Header {
    /// Reads a header, or returns what is wrong with it.
    pub(super) fn parse(header: &str) -> Result<Header, String> {
        let missing = |key: &str| format!("the header names no {key}: {:?}", header.trim());
        let descr = value(header, "descr").ok_or_else(|| missing("descr"))?;
        // A value other than a quoted name is the type of a structured array with several fields.
        let name = descr.split(['\'', '"']).nth(1);
        let descr = match name {
            Some(name) if descr.starts_with(['\'', '"']) => name,
            _ => "record",
        };
        let name = descr.strip_prefix(['<', '>', '|', '=']).unwrap_or_default();
        let element = Element::named(name).ok_or_else(|| {
            format!("expected numbers or booleans, found the element type {descr:?}")
        })?;

        let order = value(header, "fortran_order").ok_or_else(|| missing("fortran_order"))?;
        let shape = value(header, "shape").ok_or_else(|| missing("shape"))?;
        let inside = shape
            .strip_prefix('(')
            .and_then(|s| s.split_once(')'))
            .ok_or_else(|| missing("shape"))?
            .0;
        let dims = inside
            .split(',')
            .map(str::trim)
            .filter(|d| !d.is_empty())
            .map(|d| {
                d.parse()
                    .map_err(|_| format!("the header's shape ({inside}) is not made of numbers"))
            })
            .collect::<Result<Vec<usize>, String>>()?;
        Ok(Header {
            element,
            dims,
            big_endian: descr.starts_with('>'),
            fortran: order.starts_with("True"),
        })
    }

    /// Returns the bytes of the array in C order, each element in little-endian order.
    pub(super) fn in_c_order(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let size = self.element.size();
        if self.big_endian && size > 1 {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        if !self.fortran || self.dims.len() < 2 || bytes.is_empty() {
            return bytes;
        }
        // The number of bytes between neighbours on each axis.
        let mut strides = Vec::with_capacity(self.dims.len());
        let mut stride = size;
        for dim in &self.dims {
            strides.push(stride);
            stride *= dim;
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut index = vec![0; self.dims.len()];
        let mut at = 0;
        while out.len() < bytes.len() {
            out.extend_from_slice(bytes.get(at..at + size).unwrap_or_default());
            // The last axis is the fastest.
            let axes = index.iter_mut().zip(&self.dims).zip(&strides).rev();
            for ((i, dim), stride) in axes {
                *i += 1;
                at += stride;
                if *i < *dim {
                    break;
                }
                at -= *i * stride;
                *i = 0;
            }
        }
        out
    }
}

/// Returns the text after `'key':` in the header.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}
