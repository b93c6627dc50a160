#![allow(clippy::unwrap_used)]

use super::*;
use crate::kernel::Operand;

fn kernel(text: &str, bindings: Vec<Binding>, workgroups: [u32; 3]) -> Kernel {
    Kernel {
        label: "test",
        parts: vec![Part {
            file: "test.wgsl",
            text: Cow::Owned(text.to_string()),
        }],
        overrides: vec![("WG", 32)],
        bindings,
        workgroups,
    }
}

fn buffers(count: usize) -> Vec<Binding> {
    (0..count)
        .map(|i| Binding::Write(Operand::Scratch(i)))
        .collect()
}

/// Returns the text with single spaces between words.
fn squeezed(kernel: &Kernel) -> String {
    kernel
        .text()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

const SCALE: &str = "
    override WG: u32 = 64u; // the last line of a file
    override TWICE: bool = true;
    struct Params { scale: f32, n: u32 }
    @group(0) @binding(1) var<uniform> params: Params;
    @group(0) @binding(0) var<storage, read_write> y: array<f32>;
    fn scale(x: f32) -> f32 { return x * params.scale - 1e-3; }
    @compute @workgroup_size(WG)
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        if id.x < params.n { y[id.x] = scale(y[id.x]); }
    } // end";

#[test]
fn names_are_apart_and_members_are_not_names() {
    let mut bindings = buffers(1);
    bindings.push(Binding::Uniform(vec![2.5f32.to_bits(), 7]));
    let kernel = kernel(SCALE, bindings, [2, 3, 1]);
    let both = fuse_horizontally(&[&kernel, &kernel], &KernelLimits::WEBGPU).unwrap();
    let text = squeezed(&both);
    for k in ["k0_", "k1_"] {
        let has = |what: &str| {
            let what = what.replace('$', k);
            assert!(text.contains(&what), "{what} is not in {text}");
        };
        has("const $WG = 32u;");
        has("const $TWICE: bool = true;");
        has("struct $Params { scale: f32, n: u32 }");
        has("fn $scale(x: f32) -> f32 { return x * fused.$params.scale - 1e-3; }");
        has("if id.x < fused.$params.n { $y[id.x] = $scale($y[id.x]); }");
        has("@align(16) $params: $Params,");
    }
    assert!(text.contains("@binding(1) var<storage, read_write> k0_y"));
    assert!(text.contains("@binding(2) var<storage, read_write> k1_y"));
    // The grids with their first workgroups, the end, and the parameters of both kernels, 16 bytes
    // each.
    let params = [2.5f32.to_bits(), 7, 0, 0];
    let mut words = vec![2, 3, 1, 0, 2, 3, 1, 6, 0, 0, 0, 12];
    words.extend([params, params].concat());
    assert_eq!(both.bindings.first(), Some(&Binding::Uniform(words)));
    assert_eq!((both.bindings.len(), both.workgroups), (3, [12, 1, 1]));
}

fn with_body(size: u32, body: &str) -> Kernel {
    let text = format!(
        "@group(0) @binding(0) var<storage, read_write> y: array<f32>;
         @compute @workgroup_size({size})
         fn main(@builtin(local_invocation_index) lane: u32) {{ {body} }}"
    );
    kernel(&text, buffers(1), [1, 1, 1])
}

#[test]
fn workgroups_of_invocations_that_work_together_stay_as_they_are() {
    let limits = &KernelLimits::WEBGPU;
    let plain = |size| with_body(size, "y[lane] = 1.0;");
    let together = |size| with_body(size, "workgroupBarrier(); y[lane] = 1.0;");
    let fused = |kernels: &[&Kernel]| fuse_horizontally(kernels, limits).map(|k| squeezed(&k));
    let text = fused(&[&plain(64), &together(8), &plain(4)]).unwrap();
    assert!(text.contains("@workgroup_size(8, 1, 1)"), "{text}");
    let strided = "for (var place = index; place < 64u; place += 8u) { k0_main(place); }";
    assert!(text.contains(strided), "{text}");
    assert!(
        text.contains("let place = index; k1_main(place);"),
        "{text}"
    );
    assert!(text.contains("if place < 4u { k2_main(place); }"), "{text}");
    // Without kernels that cooperate, the largest workgroup size is used for all.
    let text = fused(&[&plain(4), &plain(64)]).unwrap();
    assert!(text.contains("@workgroup_size(64, 1, 1)"), "{text}");
    assert_eq!(fused(&[&together(8), &together(16)]), None);
}

#[test]
fn kernels_that_conflict_are_not_fused() {
    let limits = &KernelLimits::WEBGPU;
    let plain = with_body(64, "y[lane] = 1.0;");
    assert!(fuse_horizontally(&[&plain; 8], limits).is_some());
    assert!(
        fuse_horizontally(&[&plain; 9], limits).is_none(),
        "too many buffers"
    );
    let memory = kernel(
        "var<workgroup> rows: array<f32, 64>;
         @compute @workgroup_size(64) fn main() { rows[0] = 1.0; }",
        Vec::new(),
        [1, 1, 1],
    );
    assert!(fuse_horizontally(&[&memory, &plain], limits).is_some());
    assert!(fuse_horizontally(&[&memory, &memory], limits).is_none());
    let unknown = kernel(
        "@compute @workgroup_size(64) fn main(@builtin(subgroup_id) id: u32) {}",
        Vec::new(),
        [1, 1, 1],
    );
    assert!(fuse_horizontally(&[&unknown, &plain], limits).is_none());
}
