//! A Keras program, line by line: classifies tumors as benign or malignant.
//!
//!     cargo run --release --example keras_mlp
//!
//! A comment has the line of the Keras program; the code below it does the same. The program runs on
//! [`Device::auto`] and writes the curves to `runs/keras_mlp.svg`.

use std::path::Path;

use wgrad::train::History;
use wgrad::{Device, Fit, Result, Trainer, data, loss, metrics, nn, optim};

fn main() -> Result<()> {
    // X, y = load_breast_cancer(return_X_y=True)
    // X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let tumours = data::csv(format!("{folder}/breast_cancer.csv"))?.target("diagnosis")?;
    let (train, test) = tumours.split(0.8, 42)?;

    // scaler = StandardScaler()
    // X_train = scaler.fit_transform(X_train)
    // X_test = scaler.transform(X_test)
    let (train, scaler) = train.standardized()?;
    let test = scaler.apply(&test)?;

    // model = Sequential([
    //     Dense(64, activation="relu", input_shape=(30,)),
    //     Dense(64, activation="relu"),
    //     Dense(1, activation="sigmoid"),
    // ])
    let dense = |inputs, outputs| {
        let start = nn::init::xavier_uniform(inputs, outputs, 1.0);
        nn::Linear::new(inputs, outputs).init(start)
    };
    let model = nn::Sequential::new()
        .add(dense(30, 64))
        .add(nn::Relu)
        .add(dense(64, 64))
        .add(nn::Relu)
        .add(dense(64, 1))
        .add(nn::Sigmoid);

    // model.compile(optimizer=Adam(), loss="binary_crossentropy", metrics=["accuracy"])
    let device = Device::auto()?;
    println!("{} ({})", device.name(), device.why());
    let mut trainer = Trainer::new(model)
        .optimizer(optim::Adam::new(0.001))
        .loss(loss::Bce::new())
        .metric(metrics::Accuracy)
        .seed(42)
        .compile(&device, &train)?;

    // model.summary()
    println!("{}\n", trainer.summary());

    // history = model.fit(X_train, y_train, epochs=20, batch_size=10, validation_split=0.2)
    let fit = Fit::epochs(20).batch_size(10).validation_split(0.2);
    let history = trainer.fit(&train, fit)?;
    for epoch in &history.epochs {
        let value = |name| epoch.get(name).unwrap_or(f64::NAN);
        println!(
            "epoch {:>2}  loss {:.4}  accuracy {:.4}  val_loss {:.4}  val_accuracy {:.4}",
            epoch.epoch,
            epoch.loss,
            value("accuracy"),
            value("val_loss"),
            value("val_accuracy")
        );
    }

    // loss, accuracy = model.evaluate(X_test, y_test)
    println!("\ntest: {}", trainer.evaluate(&test)?);

    // model.predict(X_test[:5])
    let five = test.subset(&[0, 1, 2, 3, 4])?;
    for (i, p) in trainer.predict(&five)?.rows().enumerate() {
        let truth = five
            .label(i)
            .and_then(|l| five.class_names().get(l as usize));
        let truth = truth.map_or("?", String::as_str);
        println!("malignant with probability {:.3}; it is {truth}", p[0]);
    }

    // plt.plot(history.history["loss"]); plt.plot(history.history["val_loss"])
    let folder = Path::new("runs");
    if let Err(source) = std::fs::create_dir_all(folder) {
        eprintln!("runs: {source}");
    }
    wgrad::run::write_atomically(&folder.join("keras_mlp.svg"), plot(&history).as_bytes())?;
    println!("\nthe curves are in runs/keras_mlp.svg");
    Ok(())
}

/// Draws losses and accuracies as two charts side by side.
fn plot(history: &History) -> String {
    let charts = [["loss", "val_loss"], ["accuracy", "val_accuracy"]];
    let charts = charts.iter().enumerate();
    let drawn: Vec<String> = charts.map(|(i, names)| chart(history, i, names)).collect();
    let body = drawn.join("");
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 300" font-family="sans-serif" font-size="12">
<rect width="760" height="300" fill="white"/>{body}</svg>
"#
    )
}

fn chart(history: &History, number: usize, names: &[&str; 2]) -> String {
    let (left, top, width, height) = (50.0 + 380.0 * number as f64, 30.0, 300.0, 230.0);
    let all = names.iter().flat_map(|name| history.curve(name));
    let (low, high) = all.fold((f64::INFINITY, 0.0f64), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    let mut text = format!(
        r##"<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#bbb"/>
<text x="{}" y="{}" text-anchor="end">{high:.2}</text><text x="{}" y="{}" text-anchor="end">{low:.2}</text>
"##,
        left - 6.0,
        top + 10.0,
        left - 6.0,
        top + height,
    );
    for (i, (name, colour)) in names.iter().zip(["#1f77b4", "#d95f02"]).enumerate() {
        let values = history.curve(name);
        let step = width / (values.len().max(2) - 1) as f64;
        let point = |(i, v): (usize, &f64)| {
            let y = top + height - (v - low) / (high - low).max(1e-12) * height;
            format!("{:.1},{y:.1}", left + i as f64 * step)
        };
        let points: Vec<String> = values.iter().enumerate().map(point).collect();
        text += &format!(
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>
<text x="{}" y="{}" fill="{colour}">{name}</text>
"#,
            points.join(" "),
            left + 110.0 * i as f64,
            top + height + 20.0,
        );
    }
    text
}
