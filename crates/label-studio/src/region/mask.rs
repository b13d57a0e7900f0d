//! Brush masks: run lengths in the format of the `rle-pack` library
//! (<https://github.com/thi-ng/umbrella/tree/develop/packages/rle-pack>), with red, green, blue and alpha of each pixel
//! as values.
//!
//! The header has the number of values (32 bits), the bits per value minus 1 (5 bits), and four sizes of lengths in
//! bits minus 1 (4 bits each). Each run has a flag (1 bit: set for a repeated value, clear for distinct values), the
//! index of the size of the length (2 bits), the length minus 1, and the value or values.

use std::ops::Range;

use super::image::ImageSize;

/// Most pixels of a drawn mask: 16 megapixels.
pub const MAX_PIXELS: u64 = 1 << 24;

/// Values per pixel; alpha is the last.
const CHANNELS: u64 = 4;

/// Counts pixels with an alpha above 0. Takes time in proportion to the run lengths, not to the image.
pub fn area(rle: &[u8], size: ImageSize) -> Option<u64> {
    let mut painted = 0;
    each_run(rle, size, |pixels, alpha| {
        if alpha > 0 {
            painted += pixels.end - pixels.start;
        }
    })?;
    Some(painted)
}

/// Draws the alpha of each pixel as a greyscale PNG of 8 bits (<https://www.w3.org/TR/png-3/>).
pub fn png(rle: &[u8], size: ImageSize) -> Option<Vec<u8>> {
    if size.pixels() > MAX_PIXELS {
        return None;
    }
    // Validates the run lengths before the allocation: a few bytes can claim an image of 16 megapixels.
    area(rle, size)?;
    let mut mask = vec![0; usize::try_from(size.pixels()).ok()?];
    each_run(rle, size, |pixels, alpha| {
        let pixels = pixels.start as usize..pixels.end as usize;
        mask[pixels].fill(alpha);
    })?;
    written(&mask, size).ok()
}

fn written(mask: &[u8], size: ImageSize) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let (width, height) = (size.width.unsigned_abs(), size.height.unsigned_abs());
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    // Masks have long runs, which the fastest compression shrinks as well.
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(mask)?;
    writer.finish()?;
    Ok(file)
}

/// Calls a function with the pixels and the alpha of each run that includes an alpha value. Returns `None` when the run
/// lengths are too short, or do not fit an image of this size.
fn each_run(rle: &[u8], size: ImageSize, mut visit: impl FnMut(Range<u64>, u8)) -> Option<()> {
    let mut bits = Bits { rle, at: 0 };
    let values = u64::from(bits.read(32)?);
    // Run lengths and size come from a client: only a match keeps all pixels within the image.
    if values != CHANNELS * size.pixels() {
        return None;
    }
    let value_bits = bits.read(5)? + 1;
    let mut length_bits = [0; 4];
    for bits_of_one in &mut length_bits {
        *bits_of_one = bits.read(4)? + 1;
    }
    let mut visit = |values: Range<u64>, value: u32| {
        // A pixel belongs to the run of the alpha value, the fourth of the pixel.
        let pixels = values.start / CHANNELS..values.end / CHANNELS;
        if !pixels.is_empty() {
            // Truncates to 8 bits, as Label Studio's decoder does.
            visit(pixels, value as u8);
        }
    };
    let mut at = 0;
    while at < values {
        interrupt::check();
        let is_repeated = bits.read(1)? == 1;
        let size = length_bits[bits.read(2)? as usize];
        let end = at + u64::from(bits.read(size)?) + 1;
        if end > values {
            return None;
        }
        if is_repeated {
            visit(at..end, bits.read(value_bits)?);
        } else {
            for place in at..end {
                visit(place..place + 1, bits.read(value_bits)?);
            }
        }
        at = end;
    }
    Some(())
}

struct Bits<'a> {
    rle: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// Reads the next bits, at most 32, highest first.
    fn read(&mut self, count: u32) -> Option<u32> {
        let end = self.at + count as usize;
        // At most 5 bytes: 32 bits that begin inside a byte.
        let bytes = self.rle.get(self.at / 8..end.div_ceil(8))?;
        let mut word: u64 = 0;
        for byte in bytes {
            word = word << 8 | u64::from(*byte);
        }
        let behind = bytes.len() * 8 - self.at % 8 - count as usize;
        self.at = end;
        Some(((word >> behind) & ((1 << count) - 1)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Output of label-studio-sdk's `encode_rle` for this image of 7 by 5 pixels, with four equal channels.
    const CROSS: [u8; 25] = [
        0, 0, 0, 140, 57, 27, 252, 112, 24, 124, 2, 223, 253, 240, 11, 127, 247, 192, 45, 255, 206,
        1, 134, 255, 192,
    ];
    const MASK: [[u8; 7]; 5] = [
        [128, 0, 0, 0, 0, 0, 0],
        [0, 0, 255, 255, 255, 0, 0],
        [0, 0, 255, 255, 255, 0, 0],
        [0, 0, 255, 255, 255, 0, 0],
        [255, 255, 255, 255, 255, 255, 255],
    ];
    const SIZE: ImageSize = ImageSize {
        width: 7,
        height: 5,
    };

    /// Encodes runs with values of equal size as bits.
    fn packed(bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').collect();
        let byte = |bits: &[u8]| {
            (0..8).fold(0, |byte, at| {
                byte << 1 | u8::from(bits.get(at) == Some(&b'1'))
            })
        };
        bits.chunks(8).map(byte).collect()
    }

    fn mask(rle: &[u8], size: ImageSize) -> Option<Vec<u8>> {
        let png = png(rle, size)?;
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(info.color_type, png::ColorType::Grayscale);
        assert_eq!(
            (info.width, info.height),
            (size.width as u32, size.height as u32)
        );
        Some(pixels)
    }

    #[test]
    fn a_mask_has_the_alpha_of_every_pixel() {
        assert_eq!(mask(&CROSS, SIZE).unwrap(), MASK.concat());
        assert_eq!(area(&CROSS, SIZE), Some(17));
    }

    #[test]
    fn only_alpha_counts() {
        let size = ImageSize {
            width: 2,
            height: 1,
        };
        // Values of 8 bits, lengths of 1, 2, 3 and 4 bits: three distinct values, three repeated, two distinct.
        let header = format!("{:032b} {:05b} 0000 0001 0010 0011", 8, 7);
        let spelled = |values: &[u8]| {
            values
                .iter()
                .map(|value| format!("{value:08b}"))
                .collect::<String>()
        };
        let bits = format!(
            "{header} 0 01 10 {} 1 01 10 {:08b} 0 00 1 {}",
            spelled(&[1, 2, 3]),
            77,
            spelled(&[5, 6])
        );
        assert_eq!(mask(&packed(&bits), size).unwrap(), [77, 6]);
        let transparent = format!("{header} 0 10 111 {}", spelled(&[9, 9, 9, 0, 9, 9, 9, 0]));
        assert_eq!(area(&packed(&transparent), size), Some(0));
    }

    #[test]
    fn values_and_lengths_of_all_sizes_are_read() {
        let size = ImageSize {
            width: 1 << 14,
            height: 4,
        };
        // 32 bits of value, four times 16 of length: 65536 values a run.
        let header = format!("{:032b} 11111 1111 1111 1111 1111", 4 << 16);
        let run = format!("1 11 {} {:032b}", "1".repeat(16), 200);
        let rle = packed(&format!("{header} {}", run.repeat(4)));
        assert_eq!(area(&rle, size), Some(1 << 16));
        assert_eq!(mask(&rle, size).unwrap(), vec![200; 1 << 16]);
    }

    #[test]
    fn run_lengths_of_anything_else_have_no_mask() {
        let other = ImageSize {
            width: 7,
            height: 6,
        };
        assert_eq!(mask(&CROSS, other), None);
        assert_eq!(area(&CROSS, other), None);
        for length in 0..CROSS.len() {
            assert_eq!(mask(&CROSS[..length], SIZE), None, "{length} bytes");
        }
        // A run beyond the last value.
        let bits = format!(
            "{:032b} {:05b} 0010 0011 0111 1111 1 11 {} 00000001",
            140,
            7,
            "1".repeat(16)
        );
        assert_eq!(mask(&packed(&bits), SIZE), None);
        for rle in [
            &[205][..],
            &[72, 53, 16, 253, 139],
            &[],
            &[0xff; 64],
            &[0; 64],
        ] {
            assert_eq!(mask(rle, SIZE), None, "{rle:?}");
        }
    }

    #[test]
    fn what_claims_to_be_gigantic_is_measured_but_not_drawn() {
        let size = ImageSize {
            width: 1 << 15,
            height: 1 << 14,
        };
        let header = format!("{:032b} 00000 1111 1111 1111 1111", 1_u64 << 31);
        let run = format!("1 11 {} 1", "1".repeat(16));
        let rle = packed(&format!("{header} {}", run.repeat(1 << 15)));
        assert_eq!(area(&rle, size), Some(1 << 29));
        assert_eq!(png(&rle, size), None);
        let endless = ImageSize {
            width: i32::MAX,
            height: i32::MAX,
        };
        assert_eq!(area(&rle, endless), None);
        assert_eq!(png(&rle, endless), None);
    }
}
