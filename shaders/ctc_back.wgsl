// ctc_back: p[b, t, i] = e^(up_to[b, t, i] + rest - ln(sum over all paths)), where rest is the sum over the continuations of state i after t
// Shapes    log_p [batch, time, classes]   labels [batch, labels]   frames [batch]   counts [batch]   loss [batch]   p [batch, time, 2 labels + 1]   after [batch, 2, 2 labels + 1]
// Bindings  0 read log_p | 1 read labels | 2 read frames | 3 read counts | 4 read loss | 5 read_write p | 6 read_write after | 7 uniform Params
// Workgroup [WG, 1, 1], a workgroup per sample, grid [batch, folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/ctc/reference.rs
//
// up_to is the result of ctc in p, which is overwritten. Parts: lib/index, lib/ctc.

override WG: u32 = 64u;

@group(0) @binding(0) var<storage, read> log_p: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> frames: array<u32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read> loss: array<u32>;
@group(0) @binding(5) var<storage, read_write> p: array<f32>;
@group(0) @binding(6) var<storage, read_write> after: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let sample = linear_group(group, size);
    if sample >= params.batch { return; }
    let of_all = loss[sample];
    if of_all == params.impossible { return; }
    let width = 2u * params.labels + 1u;
    let states = 2u * min(counts[sample], params.labels) + 1u;
    let time = min(frames[sample], params.time);
    for (var done = 0u; done < time; done++) {
        let t = time - 1u - done;
        let row = (sample * 2u + done % 2u) * width;
        let later = (sample * 2u + (done + 1u) % 2u) * width;
        for (var state = lane; state < states; state += WG) {
            var rest = NONE;
            if done > 0u {
                let at = later + state;
                var one = NONE;
                var two = NONE;
                if state + 1u < states { one = after[at + 1u]; }
                if state + 2u < states && skips(sample, state + 2u) { two = after[at + 2u]; }
                rest = log_sum(after[at], one, two);
            } else if state + 2u >= states {
                rest = 0.0;
            }
            // Includes frame t, for the previous frame.
            after[row + state] = not_below_none(rest + emitted(sample, t, state));
            let at = (sample * params.time + t) * width + state;
            p[at] = exp(p[at] + rest + bitcast<f32>(of_all));
        }
        storageBarrier();
    }
}
