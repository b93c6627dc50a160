//! The row that computes the source pixels of shifted and flipped images.

use crate::graph::Function;

use super::arithmetic::none;

pub(super) static TABLE: &[&Function] = &[&PIXEL];

// The index of the pixel of images [.., h, w] from which pixel i of images [.., to_h, to_w] comes.
// It is shifted by `down` and `right`, relative to a border around the images, and counted from the
// right in flipped images. Outside of the image it is the largest number, for which a gather
// returns zeros.
indexed_row!(i, PIXEL "source_pixel" "(i / (to_h to_w) h + y) w + x, and 2^32 - 1 outside" "pixel",
    (down: u32, right: u32, mirrored: u32)
    [h: u32, w: u32, to_h: u32, to_w: u32, border_h: u32, border_w: u32] -> u32 = {
        let (to_h, to_w) = (to_h.max(1), to_w.max(1));
        let y = (i / to_w % to_h).wrapping_add(down).wrapping_sub(border_h);
        let x = (i % to_w).wrapping_add(right).wrapping_sub(border_w);
        let column = if mirrored != 0 { w.wrapping_sub(1).wrapping_sub(x) } else { x };
        let image = i / to_w / to_h;
        let number = image.wrapping_mul(h).wrapping_add(y).wrapping_mul(w).wrapping_add(column);
        if y < h && x < w { number } else { u32::MAX }
    };
    grad = none; ulp: 0.0, domain: (0.0, 6.0), examples: &[5.0, 7.0, 4.0, 6.0, 2.0, 1.0]);

/// Returns the function `source_pixel`.
pub(crate) fn source_pixel() -> &'static Function {
    &PIXEL
}
