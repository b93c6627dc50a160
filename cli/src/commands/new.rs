//! `wgrad new`: writes a configuration that trains on a table or on a folder of images.

use std::path::{Path, PathBuf};

use wgrad::Error;
use wgrad::data::{FileList, ImageFolder, Profile, ReadOptions, train_and_test};
use wgrad::run::write_atomically;
use wgrad::spec::{image_preset, table_preset};

use crate::args::NewArgs;
use crate::failure::Failure;
use crate::output::Output;

/// Writes the configuration to a file or to stdout.
pub fn run(args: &NewArgs, output: &mut Output) -> Result<(), Failure> {
    let written = |file: &Path| match &args.out {
        Some(out) => relative_to(file, out),
        None => Ok(file.to_path_buf()),
    };
    let text = match (&args.target, args.files.as_slice()) {
        (Some(target), files) => {
            let files = files.iter().cloned().collect();
            configuration(&files, target, written)?
        }
        (None, [folder]) if folder.is_dir() => images(folder, &written(folder)?)?,
        (None, _) => {
            let reason = "expected --target COLUMN for a table, or a folder of images";
            return Err(Failure::Usage(reason.to_string()));
        }
    };
    match &args.out {
        Some(out) => {
            if out.exists() {
                let expected = "a file that does not exist yet";
                let error = Error::Argument {
                    what: "the file to write".to_string(),
                    given: out.display().to_string(),
                    expected: expected.to_string(),
                };
                return Err(error.into());
            }
            write_atomically(out, text.as_bytes())?;
            output.say(&format!("wrote {}", out.display()));
            output.event("done", &serde_json::json!({ "out": out }));
        }
        None => output.print(text.trim_end()),
    }
    Ok(())
}

/// Returns the configuration for a table, which names each file as `written` returns it.
pub fn configuration(
    files: &FileList,
    target: &str,
    written: impl Fn(&Path) -> Result<PathBuf, Failure>,
) -> Result<String, Failure> {
    let (files, test) = with_test(files)?;
    let profile = Profile::open(&files, &ReadOptions::default())?;
    if profile.column(target).is_none() {
        return Err(profile.table.no_columns(&[target]).into());
    }
    let as_written = |files: &FileList| -> Result<FileList, Failure> {
        files.paths().iter().map(|file| written(file)).collect()
    };
    let test = test.as_ref().map(as_written).transpose()?;
    let files = as_written(&files)?;
    Ok(table_preset(&files, test.as_ref(), target, profile.rows))
}

/// Returns the files for the training, and those for the test if the table is a folder with both.
pub fn with_test(files: &FileList) -> Result<(FileList, Option<FileList>), Failure> {
    let found = match files.paths() {
        [folder] => train_and_test(folder)?,
        _ => None,
    };
    Ok(match found {
        Some((train, test)) => (train.into(), Some(test.into())),
        None => (files.clone(), None),
    })
}

/// Returns the configuration for a folder of images, which names the folder `path`.
pub fn images(folder: &Path, path: &Path) -> Result<String, Failure> {
    let train = ImageFolder::train(folder)?;
    let (classes, images) = (train.class_names().len(), train.len());
    Ok(image_preset(path, classes, images, train.usual_format()?))
}

/// Returns the path of a file as seen from the folder of `out`: as it is if that is the current
/// folder, otherwise absolute.
fn relative_to(file: &Path, out: &Path) -> Result<PathBuf, Failure> {
    match out.parent() {
        None => Ok(file.to_path_buf()),
        Some(folder) if folder.as_os_str().is_empty() => Ok(file.to_path_buf()),
        Some(_) => std::path::absolute(file).map_err(|source| {
            let path = file.to_path_buf();
            let error = Error::Io {
                path,
                action: "find",
                source,
            };
            error.into()
        }),
    }
}
