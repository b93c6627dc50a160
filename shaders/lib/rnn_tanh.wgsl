// The activation of a plain recurrent layer. Needs lib/activation.

fn activate(x: F) -> F { return tanh_of(x); }
fn activate_grad(y: F, dy: F) -> F { return tanh_grad(y, dy); }
