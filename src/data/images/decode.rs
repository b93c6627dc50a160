//! Decodes and resizes an image.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{
    DynamicImage, ImageBuffer, ImageDecoder, ImageError, ImageFormat as Kind, ImageReader, Limits,
    Pixel, Rgb, RgbImage,
};

use super::files::{ImageKind, KINDS};
use super::{Color, ImageFormat};

/// The largest height and width of a file's image.
const MAX_SIDE: u32 = 1 << 16;
/// The largest number of pixels of a file's image.
const MAX_PIXELS: u64 = 1 << 28;
/// The largest number of bytes that decoding one image may use.
const MAX_ALLOCATION: u64 = 2 << 30;
/// The largest file.
const MAX_FILE: u64 = 1 << 28;

/// The header of an image.
pub struct Probe {
    pub height: usize,
    pub width: usize,
    /// Whether the file stores one channel.
    pub gray: bool,
}

/// Reads the header of an image.
pub fn probe(path: &Path, kind: Option<ImageKind>) -> Result<Probe, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let mut decoder = reader(BufReader::new(file), kind)?
        .into_decoder()
        .map_err(described)?;
    check_size(&decoder)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = match turned(orientation(&mut decoder)) {
        true => (height, width),
        false => (width, height),
    };
    Ok(Probe {
        height: height as usize,
        width: width as usize,
        gray: !decoder.color_type().has_color(),
    })
}

/// Writes an image of this format to `out`, `[channels, height, width]`.
pub fn decode(
    path: &Path,
    kind: Option<ImageKind>,
    format: ImageFormat,
    out: &mut [u8],
) -> Result<(), String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| e.to_string())?;
    let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("the file has more than {} MiB", MAX_FILE >> 20));
    }
    if kind == Some(ImageKind::Jpeg) && !is_whole_jpeg(&bytes) {
        return Err("the file is cut short".to_string());
    }
    let mut decoder = reader(Cursor::new(bytes), kind)?
        .into_decoder()
        .map_err(described)?;
    check_size(&decoder)?;
    let orientation = orientation(&mut decoder);
    let mut image = DynamicImage::from_decoder(decoder).map_err(described)?;
    image.apply_orientation(orientation);
    let image = on_white(image);
    match format.color {
        Color::Rgb => write(image.into_rgb8(), format.size, out),
        Color::Gray => write(image.into_luma8(), format.size, out),
    }
    Ok(())
}

fn reader<R: std::io::BufRead + std::io::Seek>(
    input: R,
    kind: Option<ImageKind>,
) -> Result<ImageReader<R>, String> {
    let kind = match kind {
        Some(ImageKind::Png) => Kind::Png,
        Some(ImageKind::Jpeg) => Kind::Jpeg,
        Some(ImageKind::WebP) => Kind::WebP,
        Some(ImageKind::Bmp) => Kind::Bmp,
        None => {
            return Err(format!(
                "it is no {KINDS} image, though its name is that of one"
            ));
        }
    };
    let mut reader = ImageReader::with_format(input, kind);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOCATION);
    reader.limits(limits);
    Ok(reader)
}

/// Checks the size in the header, before memory for the pixels is allocated.
fn check_size(decoder: &impl ImageDecoder) -> Result<(), String> {
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    match pixels {
        0 => Err("it has no pixels".to_string()),
        _ if pixels > MAX_PIXELS => Err(format!(
            "it has {width} x {height} pixels, but at most {} million are read",
            MAX_PIXELS / 1_000_000
        )),
        _ => Ok(()),
    }
}

/// Describes an error without the name of the format, which is in front of it twice otherwise.
fn described(error: ImageError) -> String {
    match error {
        ImageError::Limits(_) => {
            format!("it is too large: more than {MAX_SIDE} pixels high or wide, or too much memory")
        }
        error => error.to_string().replace('\n', " "),
    }
}

/// Returns the orientation of a photo. Damaged metadata do not matter.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

fn turned(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// Returns whether the data of a JPEG have their end. Without it, the decoder would return an
/// image whose lower part is gray.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|pair| pair == marker);
    last([0xff, 0xd9]) > last([0xff, 0xda])
}

/// Draws an image with transparent parts on white.
fn on_white(image: DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return image;
    }
    let image = image.into_rgba8();
    let mut out = RgbImage::new(image.width(), image.height());
    for (to, from) in out.pixels_mut().zip(image.pixels()) {
        let [r, g, b, alpha] = from.0;
        let alpha = u32::from(alpha);
        let mix = |c: u8| ((u32::from(c) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        *to = Rgb([mix(r), mix(g), mix(b)]);
    }
    DynamicImage::ImageRgb8(out)
}

/// Resizes the largest centered part that has the proportions of `size`, and writes it by channel.
fn write<P>(image: ImageBuffer<P, Vec<u8>>, [height, width]: [usize; 2], out: &mut [u8])
where
    P: Pixel<Subpixel = u8> + 'static,
{
    let size = (width as u32, height as u32);
    if image.dimensions() == size {
        return planes(&image, out);
    }
    let (w, h) = (u64::from(image.width()), u64::from(image.height()));
    let (to_w, to_h) = (u64::from(size.0), u64::from(size.1));
    // The part is as wide, or as high, as the image.
    let part_w = (h * to_w / to_h).clamp(1, w);
    let part_h = (w * to_h / to_w).clamp(1, h);
    let (x, y) = ((w - part_w) / 2, (h - part_h) / 2);
    let part = imageops::crop_imm(&image, x as u32, y as u32, part_w as u32, part_h as u32);
    // A triangle filter that is as wide as the scale, as Pillow's BILINEAR.
    let resized = imageops::resize(&*part, size.0, size.1, FilterType::Triangle);
    planes(&resized, out);
}

/// Writes `[height, width, channels]` as `[channels, height, width]`.
fn planes<P: Pixel<Subpixel = u8>>(image: &ImageBuffer<P, Vec<u8>>, out: &mut [u8]) {
    let channels = usize::from(P::CHANNEL_COUNT);
    let plane = out.len() / channels;
    for (channel, plane) in out.chunks_exact_mut(plane).enumerate() {
        let values = image.as_raw().iter().skip(channel).step_by(channels);
        plane
            .iter_mut()
            .zip(values)
            .for_each(|(to, from)| *to = *from);
    }
}
