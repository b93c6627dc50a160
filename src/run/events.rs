//! Event files for TensorBoard: records of protocol buffers, each with checksums.
//!
//! The format is that of TensorFlow: `tensorflow/core/lib/io/record_writer.h` for the records, and
//! `event.proto`, `summary.proto` and `histogram.proto` for the messages.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The number of bars of a histogram.
const BARS: usize = 30;

/// The polynomial of CRC-32C (Castagnoli), reflected.
const CASTAGNOLI: u32 = 0x82F6_3B78;

/// Writes an event file, which TensorBoard shows.
///
/// A file that is not complete is read up to its last complete record.
///
/// # Example
/// ```
/// use wgrad::run::EventWriter;
///
/// let folder = tempfile::tempdir()?;
/// let mut events = EventWriter::create(folder.path(), 1.7e9)?;
/// events.scalars(1.7e9, 1, &[("loss", 0.25)])?;
/// events.histogram(1.7e9, 1, "0.weight", &[0.0, 0.5, 1.0])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EventWriter {
    file: File,
    path: PathBuf,
}

impl EventWriter {
    /// Creates a new file in `folder`, and the folder if it does not exist. `time` is in seconds
    /// since 1970.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be created.
    pub fn create(folder: &Path, time: f64) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
        let mut seconds = time as u64;
        let (file, path) = loop {
            let path = folder.join(format!("events.out.tfevents.{seconds:010}.wgrad"));
            match File::create_new(&path) {
                Ok(file) => break (file, path),
                // A resumed run has a file of its own. Its name is larger than those before.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => seconds += 1,
                Err(error) => return Err(Error::io(&path, "create")(error)),
            }
        };
        let mut writer = EventWriter { file, path };
        let mut event = Message::at(time, 0);
        event.text(3, "brain.Event:2");
        writer.record(&event.bytes)?;
        Ok(writer)
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Marks a start at `step`: TensorBoard then hides what earlier files have from this step on.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn start(&mut self, time: f64, step: u64) -> Result<()> {
        let mut session = Message::default();
        session.integer(1, 1); // START
        let mut event = Message::at(time, step);
        event.message(7, &session);
        self.record(&event.bytes)
    }

    /// Writes values by name.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn scalars(&mut self, time: f64, step: u64, values: &[(&str, f64)]) -> Result<()> {
        let mut summary = Message::default();
        for (name, value) in values {
            let mut one = Message::default();
            one.text(1, name);
            one.single(2, *value as f32);
            summary.message(1, &one);
        }
        let mut event = Message::at(time, step);
        event.message(5, &summary);
        self.record(&event.bytes)
    }

    /// Writes a histogram of 30 bars of equal width. Values that are not finite are left out;
    /// without any other value, nothing is written.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn histogram(&mut self, time: f64, step: u64, name: &str, values: &[f32]) -> Result<()> {
        let finite = || {
            values
                .iter()
                .filter(|v| v.is_finite())
                .map(|v| f64::from(*v))
        };
        let low = finite().fold(f64::INFINITY, f64::min);
        let high = finite().fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return Ok(());
        }
        // Equal values have one bar around them.
        let width = match high > low {
            true => (high - low) / BARS as f64,
            false => low.abs().max(1.0) * 1e-6,
        };
        let bars = if high > low { BARS } else { 1 };
        let mut counts = vec![0.0; bars];
        for value in finite() {
            let bar = ((value - low) / width) as usize;
            if let Some(count) = counts.get_mut(bar.min(bars - 1)) {
                *count += 1.0;
            }
        }
        let limits: Vec<f64> = (1..=bars)
            .map(|bar| match bar == bars && high > low {
                true => high,
                false => low + bar as f64 * width,
            })
            .collect();
        let mut histogram = Message::default();
        let all = [
            low,
            high,
            finite().count() as f64,
            finite().sum(),
            finite().map(|v| v * v).sum(),
        ];
        for (field, value) in (1..).zip(all) {
            histogram.double(field, value);
        }
        histogram.doubles(6, &limits);
        histogram.doubles(7, &counts);
        let mut one = Message::default();
        one.text(1, name);
        one.message(5, &histogram);
        let mut summary = Message::default();
        summary.message(1, &one);
        let mut event = Message::at(time, step);
        event.message(5, &summary);
        self.record(&event.bytes)
    }

    /// Appends a record in one write: its length and its bytes, each with its checksum.
    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        let length = (bytes.len() as u64).to_le_bytes();
        let mut record = Vec::with_capacity(bytes.len() + 16);
        record.extend(length);
        record.extend(masked(crc32c(&length)).to_le_bytes());
        record.extend(bytes);
        record.extend(masked(crc32c(bytes)).to_le_bytes());
        self.file
            .write_all(&record)
            .map_err(Error::io(&self.path, "write"))
    }
}

/// A message of protocol buffers.
#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// An `Event` with its time and its step.
    fn at(time: f64, step: u64) -> Self {
        let mut event = Message::default();
        event.double(1, time);
        if step > 0 {
            event.integer(2, step);
        }
        event
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// The number of a field, and how it is stored.
    fn key(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    fn integer(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.bytes.extend(value.to_le_bytes());
    }

    fn single(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.bytes.extend(value.to_le_bytes());
    }

    fn block(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.bytes.extend(bytes);
    }

    fn text(&mut self, field: u64, text: &str) {
        self.block(field, text.as_bytes());
    }

    fn message(&mut self, field: u64, message: &Message) {
        self.block(field, &message.bytes);
    }

    fn doubles(&mut self, field: u64, values: &[f64]) {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.block(field, &bytes);
    }
}

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _: u32| match crc & 1 {
        1 => crc >> 1 ^ CASTAGNOLI,
        _ => crc >> 1,
    };
    !bytes
        .iter()
        .fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// A checksum of data that contains checksums is masked.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xA282_EAD8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_the_published_ones() {
        // RFC 3720, B.4.
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[]), 0);
    }

    /// The fixture is read with TensorBoard in `tests/fixtures/tensorboard.py`.
    #[test]
    fn the_bytes_are_those_that_tensorboard_reads() {
        let folder = tempfile::tempdir().unwrap();
        let mut events = EventWriter::create(folder.path(), 1_700_000_000.0).unwrap();
        events.start(1_700_000_000.5, 1).unwrap();
        for step in 1..=3 {
            let time = 1_700_000_000.0 + step as f64;
            let loss = 1.0 / step as f64;
            let values = [("loss", loss), ("accuracy", 1.0 - loss)];
            events.scalars(time, step, &values).unwrap();
            let weights: Vec<f32> = (0..64).map(|i| i as f32 * step as f32 / 64.0).collect();
            events.histogram(time, step, "0.weight", &weights).unwrap();
            events.histogram(time, step, "0.bias", &[0.5, 0.5]).unwrap();
        }
        events
            .histogram(1_700_000_009.0, 9, "none", &[f32::NAN])
            .unwrap();
        let written = std::fs::read(events.path()).unwrap();
        let fixture = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/events.out.tfevents.1700000000.wgrad"
        );
        if std::env::var_os("WGRAD_WRITE").is_some() {
            std::fs::write(fixture, &written).unwrap();
        }
        assert_eq!(written, std::fs::read(fixture).unwrap());
    }

    #[test]
    fn a_second_file_has_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let first = EventWriter::create(folder.path(), 5.0).unwrap();
        let second = EventWriter::create(folder.path(), 5.0).unwrap();
        assert!(first.path() < second.path());
    }
}
