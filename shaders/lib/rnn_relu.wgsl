// The activation of a plain recurrent layer. Needs lib/activation.

fn activate(x: F) -> F { return relu(x); }
fn activate_grad(y: F, dy: F) -> F { return relu_grad(y, dy); }
