// mandelbrot.c in Rust: a ufunc kernel with a loop inside.  rustc -O --crate-type=lib --emit=llvm-bc -C panic=abort mandelbrot.rs
#![no_std]

#[no_mangle]
pub extern "C" fn mandelbrot(x: f64, y: f64) -> i32 {
    let (mut u, mut v, mut step) = (0.0, 0.0, 0);
    while step < 255 && u * u + v * v <= 4.0 {
        (u, v) = (u * u - v * v + x, 2.0 * u * v + y);
        step += 1;
    }
    step
}
