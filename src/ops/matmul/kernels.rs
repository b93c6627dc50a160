//! The kernels of the matrix product: which of them fit which sizes, and how they are assembled.
//!
//! A kernel consists of a tile (the outputs of an invocation), a loader for each matrix, and the
//! epilogue. A loader reads a stored matrix, by elements or by vectors of four, or a view of a
//! buffer, or computes the left matrix with a prologue. All kernels add in the same order, so all
//! give the same bits. If k is long and there are few outputs, k is split: a kernel computes
//! partial sums, and another one adds them. The number of parts depends only on the shape.

use crate::kernel::{
    Binding, Expr, Kernel, KernelLimits, Operand, Part, Variant, add_parts, emit_epilogue,
    emit_prologue, prelude, stored, wgsl,
};
use crate::ops::LowerContext;
use crate::{DType, Shape};

use super::Sizes;
use super::matrix::{Matrix, views};

/// The distribution of the outputs over a workgroup's invocations.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tile {
    label: &'static str,
    /// Outputs per invocation: rows and columns. `(1, 1)` for the plain kernel.
    own: (u32, u32),
    /// Invocations per workgroup: rows and columns.
    group: (u32, u32),
}

const NO_TILE: Tile = Tile {
    label: "matmul_small",
    own: (1, 1),
    group: (1, 64),
};

/// The number of floating-point operations above which the kernel without a tile is not tried: it
/// is never the fastest, and benchmarking it takes long.
const MAX_SMALL_TILE_FLOPS: f64 = 67e6;

/// The first binding after those of the matrices and the parameters.
const FREE_BINDING: u32 = 3;

/// Returns the tiles to try, the default first.
fn tiles(s: Sizes, limits: &KernelLimits) -> Vec<Tile> {
    let tile = |label, own, group| Tile { label, own, group };
    let outputs = s.batch * s.m * s.n;
    let mut tiles = Vec::new();
    if s.n == 1 || outputs <= 256 {
        tiles.push(NO_TILE);
    }
    match limits.subgroups {
        Some((8.., _)) if limits.software => {
            let lanes = limits.subgroups.map_or(8, |(_, max)| max);
            let wide = tile("matmul_subgroup_32x8", (32, 8), (1, lanes));
            let narrow = tile("matmul_subgroup_32x4", (32, 4), (1, lanes));
            // Long rows of b stay in the cache only if each visit uses more of them.
            let long = s.k.saturating_mul(s.n) >= 1 << 21;
            tiles.extend(if long { [wide, narrow] } else { [narrow, wide] });
            tiles.push(tile("matmul_16x16", (16, 16), (1, 8)));
        }
        Some((4.., max)) if limits.software => {
            tiles.push(tile(
                "matmul_subgroup_16x8",
                (16, 8),
                (1, 16u32.next_multiple_of(max)),
            ));
            tiles.push(tile("matmul_16x16", (16, 16), (1, 8)));
        }
        _ if limits.software => tiles.push(tile("matmul_16x16", (16, 16), (1, 8))),
        Some((4.., max)) => {
            tiles.push(tile("matmul_shared", (8, 8), (8, 8)));
            tiles.push(tile(
                "matmul_subgroup_16x4",
                (16, 4),
                (1, 64u32.next_multiple_of(max)),
            ));
        }
        _ => tiles.push(tile("matmul_shared", (8, 8), (8, 8))),
    }
    tiles.push(tile("matmul_8x8", (8, 8), (8, 8)));
    tiles.push(tile("matmul_4x4", (4, 4), (8, 8)));
    // With few outputs, a tile of 64 x 64 leaves most of a large GPU idle.
    if !limits.software && outputs < 64 * 64 * 32 {
        tiles.sort_by_key(|t| {
            u64::from(t.own.0) * u64::from(t.own.1) * u64::from(t.group.0 * t.group.1) > 1024
        });
    }
    tiles.push(NO_TILE);
    tiles.dedup();
    tiles.retain(|t| t.group.0 * t.group.1 <= limits.invocations);
    tiles
}

/// Returns the number of parts of k and their length. They depend only on the shape, so that tuning
/// never changes the bits.
fn split(s: Sizes) -> (usize, usize) {
    /// The number of outputs that keeps any device busy without a split.
    const MIN_OUTPUTS_WITHOUT_SPLIT: usize = 1 << 16;
    /// The length below which a part costs more than it gains.
    const MIN_PART: usize = 256;
    const MAX_PARTS: usize = 64;
    let outputs = (s.batch * s.m * s.n).max(1);
    let parts = MIN_OUTPUTS_WITHOUT_SPLIT
        .div_ceil(outputs)
        .min(s.k / MIN_PART)
        .clamp(1, MAX_PARTS);
    let chunk = s.k.div_ceil(parts).next_multiple_of(4).max(4);
    (s.k.div_ceil(chunk).max(1), chunk)
}

/// A product of two batches of matrices, with the kernels that prepare them.
pub(in crate::ops) struct Product<'a> {
    pub cx: &'a LowerContext<'a>,
    pub s: Sizes,
    pub a: (Matrix, Operand),
    pub b: (Matrix, Operand),
    /// The kernels that run first.
    pub before: Vec<Kernel>,
    /// The workspaces of these kernels, in bytes.
    pub scratch: Vec<u64>,
    /// Whether the kernel without a tile is the default.
    pub small_first: bool,
}

impl Product<'_> {
    /// Returns all variants of the product, with the epilogue of the context.
    pub fn variants(&self) -> Vec<Variant> {
        let Some(epilogue) = self.cx.epilogue else {
            return Vec::new();
        };
        let mut tiles = tiles(self.s, self.cx.limits);
        let Sizes { batch, m, n, k } = self.s;
        let operations = 2.0 * [batch, m, n, k].map(|d| d as f64).iter().product::<f64>();
        if operations > MAX_SMALL_TILE_FLOPS && tiles.len() > 1 && !self.small_first {
            tiles.retain(|tile| *tile != NO_TILE);
        }
        if epilogue.stores_half() {
            // The kernel without a tile stores single elements, but half-precision values are
            // stored in pairs.
            tiles.retain(|tile| *tile != NO_TILE);
        }
        if self.small_first {
            tiles.sort_by_key(|tile| *tile != NO_TILE);
            tiles.dedup();
        }
        tiles.retain(|tile| self.cx.allows(self.iterations(tile)));
        let variants = tiles.into_iter().map(|tile| self.variant(tile, epilogue));
        variants.collect()
    }

    /// Returns whether k is split, which changes the order of additions.
    pub fn is_split(&self) -> bool {
        split(self.s).0 > 1
    }

    /// Returns the largest number of loop iterations of an invocation.
    fn iterations(&self, tile: &Tile) -> usize {
        const OTHER_ITERATIONS: usize = 64;
        let (_, chunk) = split(self.s);
        OTHER_ITERATIONS
            + match (tile.label, self.prologue()) {
                // Loads, and the products of each k.
                ("matmul_shared", _) => 3 * chunk,
                (_, None) => chunk / 4,
                // A prologue is computed element by element, 16 in a block of four k.
                (_, Some(_)) => 17 * (chunk / 4),
            }
    }

    /// Returns the prologue that computes the left matrix, if there is one.
    fn prologue(&self) -> Option<&Expr> {
        self.cx.prologue.filter(|prologue| !prologue.is_load())
    }

    fn variant(&self, tile: Tile, epilogue: &Expr) -> Variant {
        let (splits, _) = split(self.s);
        // A prologue computes one element at a time, and has the same vector width as the epilogue.
        let scalar = tile == NO_TILE || !self.s.n.is_multiple_of(4) || self.prologue().is_some();
        let width = if scalar { 1 } else { 4 };
        let mut variant = Variant {
            kernels: self.before.clone(),
            scratch: self.scratch.clone(),
        };
        if splits == 1 {
            variant.kernels.push(self.product(tile, width, epilogue));
            return variant;
        }
        let Sizes { batch, m, n, .. } = self.s;
        let partial = Operand::Scratch(variant.scratch.len());
        let shape = Shape::from([splits, batch, m, n]);
        let bytes = shape.len() as u64 * 4;
        let store = Expr::store_acc(shape, partial, DType::F32);
        variant.kernels.push(self.product(tile, width, &store));
        variant.kernels.push(self.sum(partial, width, epilogue));
        variant.scratch.push(bytes);
        variant
    }

    /// Returns the kernel of the product, or of the partial products if k is split.
    fn product(&self, tile: Tile, width: u32, epilogue: &Expr) -> Kernel {
        let Sizes { batch, m, n, k } = self.s;
        let (splits, _) = split(self.s);
        let groups = match tile == NO_TILE {
            true => (splits * batch * m * n).div_ceil(tile.group.1 as usize),
            false => {
                let rows = (tile.own.0 * tile.group.0) as usize;
                let columns = (tile.own.1 * tile.group.1) as usize;
                m.div_ceil(rows) * n.div_ceil(columns) * batch * splits
            }
        };
        let mut parts = vec![prelude(width), wgsl!("lib/matmul")];
        let buffer = |name, binding, place, loader: &Part| {
            let fours = loader.file.ends_with("_vec4.wgsl");
            stored(name, binding, self.cx.dtype(place), fours)
        };
        match self.prologue() {
            Some(_) => parts.push(self.a.0.make_left()),
            None => {
                let loader = self.a.0.load_left(m, k);
                add_parts(&mut parts, buffer("a", 0, self.a.1, &loader));
                parts.push(loader);
            }
        }
        let loader = self.b.0.load_right(k, n);
        add_parts(&mut parts, buffer("b", 1, self.b.1, &loader));
        parts.push(loader);
        // With a prologue, nothing reads binding 0. A uniform there uses no storage buffer.
        let params = || Binding::Uniform(self.params(groups));
        let a = match self.prologue() {
            Some(_) => params(),
            None => Binding::Read(self.a.1),
        };
        let mut bindings = vec![a, Binding::Read(self.b.1), params()];
        if let Some(words) = views(&self.a.0, &self.b.0) {
            parts.extend([wgsl!("lib/divide"), wgsl!("lib/matmul_view")]);
            bindings.push(Binding::Uniform(words));
        }
        if tile != NO_TILE {
            parts.push(store(width));
        }
        parts.push(shader(tile.label));
        let epilogue = emit_epilogue(epilogue, width, bindings.len() as u32);
        bindings.extend(epilogue.bindings);
        // Prologue and epilogue may use the same libraries.
        add_parts(&mut parts, epilogue.parts);
        if let Some(prologue) = self.prologue() {
            let prologue = emit_prologue(prologue, 1, bindings.len() as u32);
            add_parts(&mut parts, prologue.parts);
            bindings.extend(prologue.bindings);
        }
        let overrides = match tile.group {
            (1, across) if !tile.label.starts_with("matmul_16") => vec![("WG", across)],
            (down, across) => vec![("WGX", across), ("WGY", down)],
        };
        let workgroups = self.cx.limits.fold(groups as u64);
        Kernel {
            label: tile.label,
            parts,
            overrides,
            bindings,
            workgroups,
        }
    }

    /// Returns the kernel that sums the partial products.
    fn sum(&self, partial: Operand, width: u32, epilogue: &Expr) -> Kernel {
        const WORKGROUP: usize = 64;
        let vectors = (self.s.batch * self.s.m * self.s.n).div_ceil(width as usize);
        let groups = vectors.div_ceil(WORKGROUP);
        let epilogue = emit_epilogue(epilogue, width, FREE_BINDING);
        let mut parts = vec![
            prelude(width),
            wgsl!("lib/matmul"),
            store(width),
            wgsl!("matmul_split"),
        ];
        add_parts(&mut parts, epilogue.parts);
        // The parameters are at binding 2, as in the product. Nothing reads binding 1.
        let mut bindings = vec![
            Binding::Read(partial),
            Binding::Read(partial),
            Binding::Uniform(self.params(groups)),
        ];
        bindings.extend(epilogue.bindings);
        let workgroups = self.cx.limits.fold(groups as u64);
        let overrides = vec![("WG", WORKGROUP as u32)];
        Kernel {
            label: "matmul_split",
            parts,
            overrides,
            bindings,
            workgroups,
        }
    }

    fn params(&self, groups: usize) -> Vec<u32> {
        let Sizes { batch, m, n, k } = self.s;
        let (splits, chunk) = split(self.s);
        let (a, b) = (self.a.0.stride(), self.b.0.stride());
        let words = [m, n, k, batch, 0, 0, a, b, chunk, splits, 0, groups];
        words.map(|w| w as u32).to_vec()
    }
}

/// Returns the part that passes four outputs of a row to the epilogue, as a vector or one by one.
pub(in crate::ops) fn store(width: u32) -> Part {
    match width {
        4 => wgsl!("lib/matmul_store_vec4"),
        _ => wgsl!("lib/matmul_store_f32"),
    }
}

fn shader(label: &str) -> Part {
    match label {
        "matmul_4x4" => wgsl!("matmul_4x4"),
        "matmul_8x8" => wgsl!("matmul_8x8"),
        "matmul_16x16" => wgsl!("matmul_16x16"),
        "matmul_shared" => wgsl!("matmul_shared"),
        "matmul_subgroup_16x4" => wgsl!("matmul_subgroup_16x4"),
        "matmul_subgroup_16x8" => wgsl!("matmul_subgroup_16x8"),
        "matmul_subgroup_32x4" => wgsl!("matmul_subgroup_32x4"),
        "matmul_subgroup_32x8" => wgsl!("matmul_subgroup_32x8"),
        _ => wgsl!("matmul_small"),
    }
}
