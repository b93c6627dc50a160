//! Checkpoints that do not fit are rejected, and change nothing.

use std::path::Path;

use wgrad::{Device, Error, Fit, Trainer, nn};

use crate::{FEATURES, classes, classifier, mlp};

/// Returns the error for a file, and checks that the trainer did not change.
fn refused(
    trainer: &mut Trainer,
    path: &Path,
    load: fn(&mut Trainer, &Path) -> wgrad::Result<()>,
) -> String {
    let (hash, steps) = (trainer.weights_sha256().unwrap(), trainer.steps());
    let error = load(trainer, path).unwrap_err();
    assert_eq!(trainer.weights_sha256().unwrap(), hash);
    assert_eq!(trainer.steps(), steps);
    match error {
        Error::Checkpoint { path: at, reason } => {
            assert_eq!(at, path);
            reason
        }
        other => panic!("{other}"),
    }
}

fn resume(trainer: &mut Trainer, path: &Path) -> wgrad::Result<()> {
    trainer.resume(path)
}

fn load(trainer: &mut Trainer, path: &Path) -> wgrad::Result<()> {
    trainer.load_weights(path)
}

on_every_device! {
    fn what_does_not_fit_is_refused_and_changes_nothing(device) {
        let folder = tempfile::tempdir().unwrap();
        let good = folder.path().join("good.safetensors");
        let set = classes(20);
        let mut trainer = classifier().compile(device, &set).unwrap();
        trainer.fit(&set, Fit::epochs(2).batch_size(8)).unwrap();
        trainer.save(&good).unwrap();
        let hash = trainer.weights_sha256().unwrap();
        trainer.fit(&set, Fit::epochs(1).batch_size(8)).unwrap();

        let whole = std::fs::read(&good).unwrap();
        let cut = folder.path().join("cut.safetensors");
        for keep in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&cut, &whole[..keep]).unwrap();
            for how in [resume, load] {
                let reason = refused(&mut trainer, &cut, how);
                assert!(reason.starts_with("is not a whole safetensors file"), "{reason}");
            }
        }
        let other = folder.path().join("other.safetensors");
        let mut another = Trainer::new(nn::Linear::new(FEATURES, 3)).compile(device, &set).unwrap();
        another.save(&other).unwrap();
        let reason = refused(&mut trainer, &other, resume);
        assert!(reason.starts_with("has no tensor \"0.weight\"; it holds "), "{reason}");
        let reason = refused(&mut trainer, &other, load);
        assert!(reason.contains("missing in the file: 0.weight, 0.bias, 3.weight, 3.bias"), "{reason}");

        let wide = nn::Sequential::new()
            .add(nn::Linear::new(FEATURES, 14)).add(nn::Relu).add(nn::Dropout::new(0.25)).add(nn::Linear::new(14, 3));
        Trainer::new(wide).compile(device, &set).unwrap().save(&other).unwrap();
        let reason = refused(&mut trainer, &other, resume);
        assert_eq!(reason, "0.weight is F32[14, 7], but the model needs f32[13, 7]");
        let reason = refused(&mut trainer, &other, load);
        assert!(reason.contains("of another shape: 0.weight is F32[14, 7], in the model [13, 7]"), "{reason}");
        // A checkpoint of another optimizer: only its weights can be loaded.
        let sgd = classifier().optimizer(wgrad::optim::Sgd::new(0.1));
        sgd.compile(device, &set).unwrap().save(&other).unwrap();
        let reason = refused(&mut trainer, &other, resume);
        assert!(reason.starts_with("has no tensor \"optimizer.exp_avg.0.weight\""), "{reason}");
        trainer.load_weights(&other).unwrap();

        // A matching checkpoint can still be loaded.
        trainer.resume(&good).unwrap();
        assert_eq!(trainer.weights_sha256().unwrap(), hash);
        // No temporary file is left.
        let names = std::fs::read_dir(folder.path()).unwrap();
        assert_eq!(names.count(), 3);
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_with_its_name() {
    let set = classes(9);
    let mut trainer = Trainer::new(mlp(3)).compile(&Device::cpu(), &set).unwrap();
    let error = trainer.resume("no/such/file").unwrap_err().to_string();
    assert!(error.starts_with("no/such/file: cannot read: "), "{error}");
    let error = trainer.save("no/such/folder/file").unwrap_err().to_string();
    assert!(
        error.starts_with("no/such/folder/file") && error.contains("cannot write"),
        "{error}"
    );
}

#[test]
fn files_hold_the_names_of_a_state_dict() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let set = classes(9);
    Trainer::new(mlp(3))
        .compile(&Device::cpu(), &set)
        .unwrap()
        .save(&path)
        .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    assert_eq!(header["0.weight"]["shape"], serde_json::json!([13, 7]));
    assert_eq!(header["2.bias"]["dtype"], "F32");
    assert_eq!(
        header["optimizer.exp_avg_sq.2.bias"]["shape"],
        serde_json::json!([3])
    );
    assert_eq!(header.as_object().unwrap().len(), 4 * 3 + 1);
}
