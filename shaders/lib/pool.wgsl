// The shared part of max pooling and its gradient: the sizes, and the position of a window's
// largest element.

struct Params {
    size: vec2<u32>, // of an input image
    out: vec2<u32>,  // of an output image
    kernel: vec2<u32>,
    stride: vec2<u32>,
    padding: vec2<u32>,
    dilation: vec2<u32>,
    grid: vec2<u32>, // the grid of the invocations of an image
    grid_inverse: vec2<f32>,
    stride_inverse: vec2<f32>,
    count: u32, // invocations
    of_padding: f32, // the result of a window that is all padding
}

// The image of an invocation, and its position in the grid.
struct Place {
    plane: u32,
    at: vec2<u32>,
}

fn place(e: u32) -> Place {
    let line = quotient(e, params.grid.y, params.grid_inverse.y);
    let plane = quotient(line, params.grid.x, params.grid_inverse.x);
    return Place(plane, vec2<u32>(line - plane * params.grid.x, e - line * params.grid.y));
}

const NOWHERE: u32 = 0xffffffffu;

struct Largest {
    value: f32,
    at: u32, // the index of the element in the image, or NOWHERE
}

// Returns the largest element of the window (i, j) of the image that begins at start, the first of
// equal ones.
fn largest(start: u32, window: vec2<u32>) -> Largest {
    var best = Largest(params.of_padding, NOWHERE);
    // Positions in the padding before the image wrap around to positions past its end.
    var row = window.x * params.stride.x - params.padding.x;
    let first = window.y * params.stride.y - params.padding.y;
    for (var p = 0u; p < params.kernel.x; p++) {
        if row < params.size.x {
            var column = first;
            for (var q = 0u; q < params.kernel.y; q++) {
                if column < params.size.y {
                    let at = row * params.size.y + column;
                    let value = x_get(start + at);
                    if value > best.value || best.at == NOWHERE { best = Largest(value, at); }
                }
                column += params.dilation.y;
            }
        }
        row += params.dilation.x;
    }
    return best;
}
