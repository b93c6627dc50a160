//! Decompression of gzip files.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Decompresses the members of a gzip file, one after the other. Zeros after a member are padding,
/// as tapes and some archives have.
pub struct Gzip<R> {
    decoder: Option<GzDecoder<R>>,
}

impl<R: BufRead> Gzip<R> {
    pub fn new(input: R) -> Self {
        Gzip {
            decoder: Some(GzDecoder::new(input)),
        }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(decoder) = &mut self.decoder else {
                return Ok(0);
            };
            match decoder.read(buffer)? {
                0 => {}
                n => return Ok(n),
            }
            let Some(decoder) = self.decoder.take() else {
                return Ok(0);
            };
            let mut input = decoder.into_inner();
            if skip_zeros(&mut input)? {
                self.decoder = Some(GzDecoder::new(input));
            }
        }
    }
}

/// Skips zeros, and returns whether other bytes follow.
fn skip_zeros(input: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = match input.fill_buf() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        let zeros = bytes.iter().take_while(|b| **b == 0).count();
        let (ended, more) = (bytes.is_empty(), zeros < bytes.len());
        input.consume(zeros);
        if ended || more {
            return Ok(more);
        }
    }
}
