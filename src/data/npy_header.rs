//! Parses the header of NumPy's arrays: the text of a Python dictionary.

/// The type of an array's elements, as in NumPy.
#[derive(Clone, Copy)]
pub(super) enum Element {
    F4,
    F8,
    I4,
    I8,
    U1,
}

impl Element {
    fn named(descr: &str) -> Option<Self> {
        Some(match descr {
            "<f4" => Element::F4,
            "<f8" => Element::F8,
            "<i4" => Element::I4,
            "<i8" => Element::I8,
            "|u1" | "<u1" => Element::U1,
            _ => return None,
        })
    }

    pub(super) fn size(self) -> u64 {
        match self {
            Element::U1 => 1,
            Element::F4 | Element::I4 => 4,
            Element::F8 | Element::I8 => 8,
        }
    }
}

/// Returns the element type and the shape of a header, or what is wrong with it.
pub(super) fn parse(header: &str) -> std::result::Result<(Element, Vec<usize>), String> {
    let missing = |key: &str| format!("the header names no {key}: {:?}", header.trim());
    let descr = value(header, "descr").ok_or_else(|| missing("descr"))?;
    // A value other than a quoted name is the type of a structured array with several fields.
    let name = descr.split(['\'', '"']).nth(1);
    let descr = match name {
        Some(name) if descr.starts_with(['\'', '"']) => name,
        _ => "record",
    };
    let element = Element::named(descr).ok_or_else(|| {
        format!("the element type {descr:?} is not read; only <f4, <f8, <i4, <i8 and |u1 are")
    })?;

    let order = value(header, "fortran_order").ok_or_else(|| missing("fortran_order"))?;
    if !order.starts_with("False") {
        return Err("the array is in Fortran order; save numpy.ascontiguousarray of it".into());
    }

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
        .collect::<std::result::Result<_, _>>()?;
    Ok((element, dims))
}

/// Returns the text after `'key':` in the header.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}
