//! The ragged last batch: trained and evaluated exactly, without allocations during the training.

use wgrad::optim::Sgd;
use wgrad::train::Trainer;
use wgrad::{Fit, loss, metrics, nn};

use crate::{FEATURES, classes, classifier, mlp, near, numbers};

on_every_device! {
    fn an_epoch_of_ragged_batches_has_the_mean_over_samples(device) {
        // A rate so small that the weights do not change in f32.
        let set = classes(10);
        let sgd = Sgd::new(1e-12);
        let mut trainer = Trainer::new(mlp(3)).optimizer(sgd).metric(metrics::Accuracy)
            .compile(device, &set).unwrap();
        let full = trainer.evaluate(&set).unwrap();
        for batch in [1, 3, 4, 9, 10, 99] {
            let fit = Fit::epochs(1).batch_size(batch).validation(&set);
            let epoch = trainer.fit(&set, fit).unwrap().epochs.remove(0);
            near(epoch.loss, full.loss, 1e-6);
            near(epoch.get("accuracy").unwrap(), full.metric("accuracy").unwrap(), 1e-6);
            near(epoch.val_loss.unwrap(), full.loss, 1e-6);
        }
    }

    fn evaluation_of_many_samples_is_the_mean_over_all(device) {
        // More than one batch of an evaluation, the last one ragged.
        let set = numbers(600);
        let mut trainer = Trainer::new(mlp(1)).loss(loss::Mse::new()).metric(metrics::Mae)
            .compile(device, &set).unwrap();
        let y = trainer.predict(&set).unwrap();
        assert_eq!(y.shape.dims(), [600, 1]);
        let errors = (0..600).map(|i| f64::from(y.values[i] - set.values(i).unwrap()[0]));
        let (squares, sizes) = errors.fold((0.0, 0.0), |(s, a), e| (s + e * e, a + e.abs()));
        let all = trainer.evaluate(&set).unwrap();
        near(all.loss, squares / 600.0, 1e-5);
        near(all.metric("mae").unwrap(), sizes / 600.0, 1e-5);
        assert_eq!(all.samples, 600);
    }

    fn the_ragged_batch_has_its_own_mean_gradient(device) {
        // y = w x + b with one step of SGD per batch, computed by hand in f64.
        let set = numbers(10);
        let model = nn::Sequential::new().add(nn::Linear::new(FEATURES, 1));
        let mut trainer = Trainer::new(model).loss(loss::Mse::new()).optimizer(Sgd::new(0.05))
            .seed(8).compile(device, &set).unwrap();
        let mut w: Vec<f64> = trainer.weights("0.weight").unwrap().iter().map(|w| f64::from(*w)).collect();
        let mut b = f64::from(trainer.weights("0.bias").unwrap()[0]);
        trainer.fit(&set, Fit::epochs(3).batch_size(4).shuffle(false)).unwrap();
        for _ in 0..3 {
            for rows in [0..4, 4..8, 8..10] {
                let m = rows.len() as f64;
                let (mut dw, mut db) = (vec![0.0; FEATURES], 0.0);
                for i in rows {
                    let x = set.row(i).unwrap();
                    let y: f64 = x.iter().zip(&w).map(|(x, w)| f64::from(*x) * w).sum::<f64>() + b;
                    let d = 2.0 / m * (y - f64::from(set.values(i).unwrap()[0]));
                    db += d;
                    dw.iter_mut().zip(x.iter()).for_each(|(dw, x)| *dw += d * f64::from(*x));
                }
                w.iter_mut().zip(dw).for_each(|(w, dw)| *w -= 0.05 * dw);
                b -= 0.05 * db;
            }
        }
        for (got, want) in trainer.weights("0.weight").unwrap().iter().zip(&w) {
            near(f64::from(*got), *want, 1e-5);
        }
        near(f64::from(trainer.weights("0.bias").unwrap()[0]), b, 1e-5);
    }

    fn nothing_is_made_after_the_second_step(device) {
        let set = classes(35);
        let mut trainer = classifier().clip_grad_norm(1.0).compile(device, &set).unwrap();
        trainer.begin(&set, Fit::epochs(125).batch_size(4).validation_split(0.1)).unwrap();
        let counters = |trainer: &Trainer| wgrad::exec::Counters {
            runs: 0,
            ..trainer.counters()
        };
        while trainer.steps() < 2 {
            trainer.tick(std::time::Duration::ZERO).unwrap();
        }
        let after_two = counters(&trainer);
        // 31 training samples: 7 batches of 4, and one of 3.
        while trainer.steps() < 1000 {
            trainer.tick(std::time::Duration::from_millis(1)).unwrap();
            assert_eq!(counters(&trainer), after_two, "after {} steps", trainer.steps());
        }
        if device.is_gpu() {
            assert!(after_two.pipelines > 0 && after_two.buffers > 0);
        }
    }

    fn a_batch_larger_than_the_data_is_the_whole_data(device) {
        let set = classes(5);
        let mut trainer = classifier().compile(device, &set).unwrap();
        let history = trainer.fit(&set, Fit::epochs(2).batch_size(64)).unwrap();
        assert_eq!(history.epochs.last().unwrap().step, 2);
    }
}
