//! Checks of an optimizer's settings.

use crate::{Error, Result};

/// Refuses the first setting that is out of its range.
pub(super) struct Settings {
    of: &'static str,
    found: Result<()>,
}

impl Settings {
    /// The settings of an optimizer, called `of` in messages.
    pub fn of(of: &'static str) -> Self {
        Settings { of, found: Ok(()) }
    }

    /// A setting for which `fits` must hold.
    pub fn require(mut self, what: &str, value: f64, fits: bool, expected: &str) -> Self {
        if self.found.is_ok() && !(fits && value.is_finite()) {
            let what = format!("{}'s {what}", self.of);
            self.found = Err(Error::argument(what, value, expected));
        }
        self
    }

    /// The learning rate.
    pub fn rate(self, rate: f64) -> Self {
        self.require("learning rate", rate, rate > 0.0, "a number above 0")
    }

    /// A share of what was that is kept.
    pub fn share(self, what: &str, value: f64) -> Self {
        let fits = (0.0..1.0).contains(&value);
        self.require(what, value, fits, "at least 0 and below 1")
    }

    /// The two betas of Adam and its kin.
    pub fn betas(self, betas: (f64, f64)) -> Self {
        self.share("beta", betas.0).share("beta", betas.1)
    }

    /// Something above 0.
    pub fn positive(self, what: &str, value: f64) -> Self {
        self.require(what, value, value > 0.0, "above 0")
    }

    /// Something of at least 0.
    pub fn not_negative(self, what: &str, value: f64) -> Self {
        self.require(what, value, value >= 0.0, "at least 0")
    }

    /// Whether all were in range.
    pub fn done(self) -> Result<()> {
        self.found
    }
}
