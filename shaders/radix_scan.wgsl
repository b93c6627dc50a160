// radix_scan: bins[i] = the sum of bins[j] over j < i, in place
// Shapes    bins [count]
// Bindings  0 read_write bins | 1 uniform Params
// Workgroup [WG, 1, 1], one workgroup, an invocation per range of adjacent elements
// Overrides WG = 64
// Reference src/ops/scatter_add.rs

override WG: u32 = 64u;

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read_write> bins: array<u32>;
@group(0) @binding(1) var<uniform> params: Params;

var<workgroup> totals: array<u32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lane: u32) {
    let stretch = (params.count + WG - 1u) / WG;
    let start = min(lane * stretch, params.count);
    let end = min(start + stretch, params.count);
    var total = 0u;
    for (var i = start; i < end; i++) { total += bins[i]; }
    totals[lane] = total;
    workgroupBarrier();
    var before = 0u;
    for (var i = 0u; i < lane; i++) { before += totals[i]; }
    for (var i = start; i < end; i++) {
        let here = bins[i];
        bins[i] = before;
        before += here;
    }
}
