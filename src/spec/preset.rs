//! The configuration of a training on a table, by the number of its rows.

use crate::data::FileList;

/// Returns the text of a configuration that trains a multi-layer perceptron on a table. The paths
/// of its files, and of those for the test, are written as they are; they are relative to the folder
/// of the configuration.
///
/// Categories with more than 32 names are embedded. The learning rate is that of Keras and PyTorch,
/// and training stops when the validation loss has not improved for 15 epochs. Batches are larger
/// for more rows: at least 32 samples, at most 256, about 60 batches in an epoch.
///
/// On four public tables of 344 to 1,309 rows, with five seeds each, no other patience, dropout,
/// width or weight decay that was tried was better on all of them; `docs/examples.md` has the scores.
///
/// # Example
/// ```
/// use wgrad::spec::{Config, Overrides, table_preset};
///
/// let text = table_preset(&"people.csv".into(), None, "income", 1_000);
/// let config = Config::parse("people.toml", &text, &Overrides::default())?;
/// assert_eq!(config.training.batch_size, 32);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub fn table_preset(files: &FileList, test: Option<&FileList>, target: &str, rows: u64) -> String {
    let batch = (rows / 60).clamp(32, 256).next_power_of_two().min(256);
    // A folder `train` beside one for the test says less than the folder of both.
    let named = match test {
        Some(_) => files.first().parent().filter(|p| p.file_name().is_some()),
        None => None,
    };
    let name = named.unwrap_or(files.first()).file_name();
    let name = name.unwrap_or_default().to_string_lossy();
    // `table.csv.gz` has two extensions, and a name may be a pattern.
    let name = name.split('.').find(|part| !part.is_empty());
    let name = name.unwrap_or_default().replace(['*', '?'], "");
    let name = match name.trim_end_matches(['-', '_']) {
        "" => "table",
        name => name,
    };
    let folder = format!("runs/{name}");
    let path = paths(files);
    let test = match test {
        Some(test) => format!("test_path = {}", paths(test)),
        None => "test_split = 0.2".to_string(),
    };
    let target = quoted(target);
    format!(
        "[model]
hidden = [128, 64]
activation = \"relu\"
dropout = 0.1

[data]
format = \"table\"
path = {path}
target = {target}
{test}
validation_split = 0.1
preprocessing = {{ categories = {{ above = \"ordinal\" }} }}

[training]
epochs = 200
batch_size = {batch}
optimizer = {{ type = \"adam\", lr = 1e-3 }}
early_stopping = {{ patience = 15 }}

[output]
dir = {}
",
        quoted(&folder)
    )
}

/// Returns files as a string or a list of TOML.
fn paths(files: &FileList) -> String {
    let paths = files.paths().iter();
    let paths: Vec<String> = paths.map(|p| quoted(&p.display().to_string())).collect();
    match paths.as_slice() {
        [path] => path.clone(),
        paths => format!("[{}]", paths.join(", ")),
    }
}

/// Returns a basic string of TOML, which has the escapes of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
