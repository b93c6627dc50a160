//! CTC: a model learns sequences from labels without positions.

use wgrad::data::{Dataset, Targets};
use wgrad::loss::functional::Reduction;
use wgrad::loss::{self, Loss};
use wgrad::optim::Adam;
use wgrad::random::Stream;
use wgrad::{Device, Error, Fit, Trainer, nn};

const TIME: usize = 16;
const LETTERS: u32 = 4;
const MOST: usize = 4;

/// Noisy samples of `TIME` frames, with a number for each letter and one for a pause. Letters last
/// one to three frames, with pauses between; a sample has as many as fit. Frames after the last one
/// are noise only.
fn spoken(n: usize, framed: bool) -> (Dataset, Vec<Vec<u32>>) {
    let mut random = Stream::new(5);
    let (mut features, mut labels, mut words) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let mut frames: Vec<u32> = vec![0; random.below(3) as usize];
        let mut word = Vec::new();
        let wanted = 1 + random.below(MOST as u32) as usize;
        while word.len() < wanted {
            let letter = 1 + random.below(LETTERS);
            let (long, pause) = (1 + random.below(2) as usize, 1 + random.below(2) as usize);
            if frames.len() + long + pause > TIME {
                break;
            }
            frames.extend(vec![letter; long]);
            frames.extend(vec![0; pause]);
            word.push(letter);
        }
        let count = frames.len();
        for t in 0..TIME {
            let shown = match frames.get(t) {
                Some(shown) => *shown,
                None if framed => random.below(LETTERS + 1),
                None => 0,
            };
            let one = |c| 2.0 * f32::from(u8::from(c == shown)) + 0.5 * random.uniform();
            features.extend((0..=LETTERS).map(one));
        }
        let mut padded = word.clone();
        padded.resize(MOST, 0);
        labels.extend(framed.then_some(count as u32));
        labels.extend(padded);
        words.push(word);
    }
    let targets = Targets::Sequences {
        labels,
        width: MOST + usize::from(framed),
        classes: if framed {
            TIME + 1
        } else {
            LETTERS as usize + 1
        },
    };
    let shape = [TIME, LETTERS as usize + 1];
    (
        Dataset::from_arrays(features, shape, targets).unwrap(),
        words,
    )
}

/// Returns the most likely class of each frame, with repeats merged and blanks removed.
fn spelled(scores: &[f32], frames: usize) -> Vec<u32> {
    let mut before = 0;
    let mut word = Vec::new();
    for row in scores.chunks(LETTERS as usize + 1).take(frames) {
        let best = (0..row.len()).fold(0, |best, c| if row[c] > row[best] { c } else { best });
        if best as u32 != before && best != 0 {
            word.push(best as u32);
        }
        before = best as u32;
    }
    word
}

fn model() -> nn::Sequential {
    let n = LETTERS as usize + 1;
    nn::Sequential::new()
        .add(nn::Linear::new(n, 16))
        .add(nn::Tanh)
        .add(nn::Linear::new(16, n))
}

fn learns(device: &Device, framed: bool) {
    let (set, words) = spoken(96, framed);
    let loss = loss::Ctc::new(MOST);
    let loss = if framed { loss.framed() } else { loss };
    let mut trainer = Trainer::new(model())
        .loss(loss)
        .optimizer(Adam::new(0.03))
        .seed(1)
        .compile(device, &set)
        .unwrap();
    let history = trainer.fit(&set, Fit::epochs(12).batch_size(20)).unwrap();
    let losses: Vec<f64> = history.epochs.iter().map(|e| e.loss).collect();
    assert!(losses[11] < 0.2 * losses[0], "{losses:?}");
    let told = trainer.predict(&set).unwrap();
    let right = told
        .rows()
        .zip(&words)
        .enumerate()
        .filter(|(i, (row, word))| {
            let frames = match framed {
                true => set.labels(*i).unwrap()[0] as usize,
                false => TIME,
            };
            spelled(row, frames) == **word
        });
    let right = right.count();
    assert!(right >= 92, "{right} of 96 are spelled right");
}

on_every_device! {
    fn a_model_learns_to_spell(device) {
        learns(device, false);
    }

    fn a_model_learns_to_spell_in_frames_that_count(device) {
        learns(device, true);
    }
}

#[test]
fn what_does_not_fit_is_told() {
    let (set, _) = spoken(8, false);
    let told = |loss: loss::Ctc| {
        let built = Trainer::new(model())
            .loss(loss)
            .compile(&Device::cpu(), &set);
        let built = built.and_then(|mut trainer| trainer.fit(&set, Fit::epochs(1)));
        built.map(|_| ()).unwrap_err().to_string()
    };
    let cases = [
        (
            loss::Ctc::new(0),
            "expected 1 to 16 labels per sample, the number of frames, found 0",
        ),
        (
            loss::Ctc::new(17),
            "expected 1 to 16 labels per sample, the number of frames, found 17",
        ),
        (
            loss::Ctc::new(4).blank(5),
            "expected a blank below 5, the number of classes of the output, found 5",
        ),
        (
            loss::Ctc::new(5),
            "expected 5 labels per sample, as the model scores, found 4",
        ),
        (
            loss::Ctc::new(4).framed(),
            "expected 5 labels per sample, as the model scores, found 4",
        ),
    ];
    for (loss, want) in cases {
        let text = told(loss);
        assert!(text.contains(want), "{text}");
        assert_eq!(loss.name(), "ctc");
    }
    let flat = Trainer::new(nn::Flatten).loss(loss::Ctc::new(4));
    let error = flat
        .compile(&Device::cpu(), &set)
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("expected logits f32 [batch, time, classes], found f32[2, 80]"),
        "{error}"
    );
}

/// Two samples of six frames and three classes; the first number of each is its number of frames.
fn framed(labels: [u32; 6]) -> Dataset {
    let targets = Targets::Sequences {
        labels: labels.to_vec(),
        width: 3,
        classes: 100,
    };
    let features = (0..36).map(|i| (i % 7) as f32 / 7.0).collect();
    Dataset::from_arrays(features, [6, 3], targets).unwrap()
}

#[test]
fn framed_labels_and_frames_that_the_output_has_not_are_told_with_what_fits() {
    let told = |set: &Dataset| {
        let mut trainer = Trainer::new(nn::Linear::new(3, 3))
            .loss(loss::Ctc::new(2).framed())
            .compile(&Device::cpu(), set)
            .unwrap();
        let fitted = trainer.fit(set, Fit::epochs(1)).map(|_| ());
        let evaluated = trainer.evaluate(set).map(|_| ());
        (fitted, evaluated)
    };
    let right = told(&framed([6, 1, 2, 4, 2, 0]));
    assert!(right.0.is_ok() && right.1.is_ok(), "{right:?}");
    for (labels, want) in [
        (
            [6, 1, 2, 4, 3, 0],
            "sample 1: expected label 0 below 3, the classes that the model scores, found 3",
        ),
        (
            [6, 1, 9, 4, 2, 0],
            "sample 0: expected label 1 below 3, the classes that the model scores, found 9",
        ),
        (
            [6, 1, 2, 7, 2, 0],
            "sample 1: expected at most 6 frames, as the model scores, found 7",
        ),
    ] {
        let (fitted, evaluated) = told(&framed(labels));
        for (error, set) in [(fitted, "training"), (evaluated, "evaluation")] {
            let error = error.unwrap_err();
            assert!(matches!(error, Error::Data { .. }), "{error:?}");
            let text = error.to_string();
            assert!(text.contains(want) && text.contains(set), "{text}");
        }
    }
}

/// The loss of a batch of both samples with each reduction, before training.
#[test]
fn a_batch_is_reduced_as_asked_for() {
    let set = framed([6, 1, 2, 4, 2, 0]);
    let by = |loss: loss::Ctc| -> Result<f64, Error> {
        let mut trainer = Trainer::new(nn::Linear::new(3, 3))
            .loss(loss.framed())
            .seed(3)
            .compile(&Device::cpu(), &set)?;
        Ok(trainer.evaluate(&set)?.loss)
    };
    let ctc = loss::Ctc::new(2);
    let [plain, mean, sum, batch] = [
        ctc,
        ctc.reduction(Reduction::Mean),
        ctc.reduction(Reduction::Sum),
        ctc.reduction(Reduction::BatchMean),
    ]
    .map(|loss| by(loss).unwrap());
    assert_eq!(plain, mean);
    assert!((sum - 2.0 * batch).abs() < 1e-5, "{sum} {batch}");
    // Two labels and one: neither the sum of the losses nor half of it.
    assert!(0.5 * batch < mean && mean < batch, "{mean} {batch}");
    let refused = by(ctc.reduction(Reduction::None)).unwrap_err().to_string();
    assert!(refused.contains("a mean or a sum"), "{refused}");
}

#[test]
fn labels_that_no_path_spells_end_a_training_or_count_as_nothing() {
    // Four equal letters need a blank between each two: seven frames.
    let targets = Targets::Sequences {
        labels: vec![1, 1, 1, 1],
        width: 4,
        classes: 3,
    };
    let set = Dataset::from_arrays(vec![0.1; 18], [6, 3], targets).unwrap();
    let fit = |loss: loss::Ctc| {
        let mut trainer = Trainer::new(nn::Linear::new(3, 3))
            .loss(loss)
            .compile(&Device::cpu(), &set)?;
        trainer.fit(&set, Fit::epochs(1))
    };
    assert!(fit(loss::Ctc::new(4)).is_err());
    let history = fit(loss::Ctc::new(4).zero_infinity()).unwrap();
    assert_eq!(history.epochs[0].loss, 0.0);
}
