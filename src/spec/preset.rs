//! The configurations of a training on a table, by the number of its rows, and on a folder of images.

use std::path::Path;

use crate::data::{Color, FileList, ImageFormat};

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

/// Returns the text of a configuration that trains a small convolutional network on a folder of
/// images. `path` is written as it is; paths are relative to the folder of the configuration.
///
/// Each block is a convolution with batch normalization and ReLU, and halves the image. Blocks
/// follow until the image has fewer than 8 pixels in a direction, at most four. Their outputs are
/// averaged over the image. In training, images are shifted at random by an eighth of their size,
/// and color images are flipped; gray images are often characters, which have no mirror image.
/// Batches are larger for more images, at least 16 and at most 128, about 100 in an epoch.
///
/// # Example
/// ```
/// use wgrad::data::{Color, ImageFormat};
/// use wgrad::spec::{Config, Overrides, image_preset};
///
/// let format = ImageFormat { size: [32, 32], color: Color::Rgb };
/// let text = image_preset("photos".as_ref(), 3, 5_000, format);
/// let config = Config::parse("photos.toml", &text, &Overrides::default())?;
/// assert_eq!(config.training.batch_size, 64);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub fn image_preset(path: &Path, classes: usize, images: usize, format: ImageFormat) -> String {
    let batch = (images / 100).clamp(16, 128).next_power_of_two();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = match name.as_ref() {
        "" => "images",
        name => name,
    };
    let [height, width] = format.size;
    let (color, flip) = match format.color {
        Color::Gray => ("gray", ""),
        Color::Rgb => ("rgb", "    { type = \"random_flip\" },\n"),
    };
    let padding = [height, width].map(|side| side.div_ceil(8));
    let mut layers = String::new();
    let mut smaller = height.min(width);
    for channels in [32, 64, 128, 256] {
        layers += &format!(
            "    {{ type = \"conv2d\", out = {channels}, kernel = 3, padding = 1, bias = false }},
    {{ type = \"batch_norm\" }},
    {{ type = \"relu\" }},
"
        );
        if smaller < 8 {
            break;
        }
        layers += "    { type = \"max_pool2d\", kernel = 2 },\n";
        smaller /= 2;
    }
    format!(
        "[model]
layers = [
{flip}    {{ type = \"random_crop\", size = [{height}, {width}], padding = [{}, {}] }},
{layers}    {{ type = \"adaptive_avg_pool2d\", out = 1 }},
    {{ type = \"flatten\" }},
    {{ type = \"dropout\", p = 0.2 }},
    {{ type = \"linear\", out = {classes} }},
]

[data]
format = \"images\"
path = {}
size = [{height}, {width}]
color = {color:?}
validation_split = 0.1

[training]
epochs = 40
batch_size = {batch}
optimizer = {{ type = \"adam\", lr = 2e-3 }}
schedule = \"cosine\"
early_stopping = {{ patience = 10 }}
metrics = [\"accuracy\"]

[output]
dir = {}
",
        padding[0],
        padding[1],
        quoted(&path.display().to_string()),
        quoted(&format!("runs/{name}"))
    )
}

/// Returns a basic string of TOML, which has the escapes of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
