//! The device of a training.

use std::borrow::Cow;
use std::convert::Infallible;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::device::{Device, Selector};
use crate::error::Result;

/// The device of a training, by a word: `auto`, `cpu`, `gpu`, `software`, or a part of a GPU's
/// name.
///
/// # Example
/// ```
/// use wgrad::spec::DeviceSpec;
///
/// assert_eq!("cpu".parse(), Ok(DeviceSpec::Cpu));
/// assert_eq!("Intel".parse(), Ok(DeviceSpec::Named("Intel".to_string())));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DeviceSpec {
    /// A hardware GPU if there is one, and otherwise the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The best GPU.
    Gpu,
    /// The GPU whose name contains this; `software` for a software GPU.
    Named(String),
}

impl DeviceSpec {
    /// Returns the word.
    pub fn name(&self) -> &str {
        match self {
            DeviceSpec::Auto => "auto",
            DeviceSpec::Cpu => "cpu",
            DeviceSpec::Gpu => "gpu",
            DeviceSpec::Named(part) => part,
        }
    }

    /// Opens the device.
    ///
    /// # Errors
    ///
    /// Returns [`Error::NoAdapter`](crate::Error::NoAdapter) if no GPU matches.
    pub fn open(&self) -> Result<Device> {
        match self {
            DeviceSpec::Auto => Device::auto(),
            DeviceSpec::Cpu => Ok(Device::cpu()),
            DeviceSpec::Gpu => Device::gpu(&Selector::Gpu),
            DeviceSpec::Named(part) => Device::gpu(&Selector::parse(part)),
        }
    }
}

impl FromStr for DeviceSpec {
    type Err = Infallible;

    fn from_str(s: &str) -> std::result::Result<Self, Infallible> {
        Ok(match s.trim().to_lowercase().as_str() {
            "auto" => DeviceSpec::Auto,
            "cpu" => DeviceSpec::Cpu,
            "gpu" => DeviceSpec::Gpu,
            _ => DeviceSpec::Named(s.trim().to_string()),
        })
    }
}

impl Serialize for DeviceSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for DeviceSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Ok(device) = text.parse();
        Ok(device)
    }
}

impl JsonSchema for DeviceSpec {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Device".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "examples": ["auto", "cpu", "gpu", "software"] })
    }
}
