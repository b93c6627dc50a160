// The indices of the source pixels of a shifted or flipped image.

fn source_pixel(i: U, down: U, right: U, mirrored: U, h: U, w: U, to_h: U, to_w: U, border_h: U, border_w: U) -> U {
    let rows = i / max(to_w, U(1u));
    let height = max(to_h, U(1u));
    // Positions left of or above the image wrap around to positions far to its right or below.
    let y = rows % height + down - border_h;
    let x = i % max(to_w, U(1u)) + right - border_w;
    let column = select(x, w - U(1u) - x, mirrored != U(0u));
    let number = (rows / height * h + y) * w + column;
    return select(U(0xffffffffu), number, (y < h) & (x < w));
}
