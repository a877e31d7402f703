// tests/producers/kernels.rs - the kernels of the C files beside this one, in Rust: what differs is the compiler.
#![no_std]
#![crate_type = "lib"]
#![allow(clippy::missing_safety_doc)]

#[repr(C)]
pub struct FhArray {
    data: *mut u8,
    dtype: i32,
    ndim: i32,
    shape: [i64; 32],
    strides: [i64; 32],
    offset: [i64; 32],
    whole: [i64; 32],
    halo: [[i64; 2]; 32],
}

impl FhArray {
    unsafe fn at1<T>(&self, i: i64) -> *mut T {
        self.data.offset((i * self.strides[0]) as isize) as *mut T
    }
    unsafe fn at2<T>(&self, i: i64, k: i64) -> *mut T {
        self.data.offset((i * self.strides[0] + k * self.strides[1]) as isize) as *mut T
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Complex<T> {
    re: T,
    im: T,
}

trait Number: Copy {
    const ZERO: Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Number for $type {
            const ZERO: $type = 0;
            fn plus(self, other: $type) -> $type { self.wrapping_add(other) }
            fn minus(self, other: $type) -> $type { self.wrapping_sub(other) }
            fn times(self, other: $type) -> $type { self.wrapping_mul(other) }
        })*};
}
macro_rules! floats {
    ($($type:ty),*) => {$(
        impl Number for $type {
            const ZERO: $type = 0.0;
            fn plus(self, other: $type) -> $type { self + other }
            fn minus(self, other: $type) -> $type { self - other }
            fn times(self, other: $type) -> $type { self * other }
        }
        impl Number for Complex<$type> {
            const ZERO: Self = Complex { re: 0.0, im: 0.0 };
            fn plus(self, other: Self) -> Self { Complex { re: self.re + other.re, im: self.im + other.im } }
            fn minus(self, other: Self) -> Self { Complex { re: self.re - other.re, im: self.im - other.im } }
            fn times(self, other: Self) -> Self {
                Complex {
                    re: self.re * other.re - self.im * other.im,
                    im: self.re * other.im + self.im * other.re,
                }
            }
        })*};
}
integers!(i8, u8, i16, u16, i32, u32, i64, u64);
floats!(f32, f64);
impl Number for bool {
    const ZERO: bool = false;
    fn plus(self, other: bool) -> bool { self != other }
    fn minus(self, other: bool) -> bool { self != other }
    fn times(self, other: bool) -> bool { self != other }
}

unsafe fn piece<T: Number>(input: *const T, out: *mut T, n: i64) {
    for i in 0..n as usize {
        let here = *input.add(i);
        *out.add(i) = if i > 0 { here.minus(*input.add(i - 1)) } else { here };
    }
}

unsafe fn array<T: Number>(args: *const FhArray, nargs: i32) -> i32 {
    let (input, out) = (&*args, &*args.offset(1));
    if nargs != 2 || input.ndim != 2 {
        return 1;
    }
    for i in 0..out.shape[0] {
        for k in 0..out.shape[1] {
            let mut sum = *input.at2::<T>(i, k);
            if i > 0 || input.halo[0][0] > 0 {
                sum = sum.plus(*input.at2::<T>(i - 1, k));
            }
            if i + 1 < input.shape[0] || input.halo[0][1] > 0 {
                sum = sum.plus(*input.at2::<T>(i + 1, k));
            }
            *out.at2::<T>(i, k) = sum;
        }
    }
    0
}

unsafe fn gufunc<T: Number>(args: *const FhArray, add: fn(T, T, T) -> T) {
    let (a, b, out) = (&*args, &*args.offset(1), &*args.offset(2));
    let mut sum = T::ZERO;
    for i in 0..a.shape[0] {
        sum = add(sum, *a.at1::<T>(i), *b.at1::<T>(i));
    }
    *(out.data as *mut T) = sum;
}

macro_rules! kernels {
    ($type:ty, $one:expr, $ufunc:ident, $piece:ident, $array:ident, $gufunc:ident, $init:ident, $step:ident) => {
        #[no_mangle]
        pub extern "C" fn $ufunc(a: $type, b: $type, c: $type) -> $type { a.plus(b).times(c) }
        #[no_mangle]
        pub unsafe extern "C" fn $piece(input: *const $type, out: *mut $type, n: i64) { piece(input, out, n) }
        #[no_mangle]
        pub unsafe extern "C" fn $array(args: *const FhArray, nargs: i32) -> i32 { array::<$type>(args, nargs) }
        #[no_mangle]
        pub unsafe extern "C" fn $gufunc(args: *const FhArray, _nargs: i32) {
            gufunc::<$type>(args, |sum, a, b| sum.plus(a.times(b)))
        }
        #[no_mangle]
        pub extern "C" fn $init() -> $type { $one }
        #[no_mangle]
        pub extern "C" fn $step(state: $type, x: $type) -> $type { state.times(x) }
    };
}
kernels!(i8, 1, ufunc_int8, piece_int8, array_int8, gufunc_int8, product_int8_init, product_int8_step);
kernels!(u8, 1, ufunc_uint8, piece_uint8, array_uint8, gufunc_uint8, product_uint8_init, product_uint8_step);
kernels!(i16, 1, ufunc_int16, piece_int16, array_int16, gufunc_int16, product_int16_init, product_int16_step);
kernels!(u16, 1, ufunc_uint16, piece_uint16, array_uint16, gufunc_uint16, product_uint16_init, product_uint16_step);
kernels!(i32, 1, ufunc_int32, piece_int32, array_int32, gufunc_int32, product_int32_init, product_int32_step);
kernels!(u32, 1, ufunc_uint32, piece_uint32, array_uint32, gufunc_uint32, product_uint32_init, product_uint32_step);
kernels!(i64, 1, ufunc_int64, piece_int64, array_int64, gufunc_int64, product_int64_init, product_int64_step);
kernels!(u64, 1, ufunc_uint64, piece_uint64, array_uint64, gufunc_uint64, product_uint64_init, product_uint64_step);
kernels!(f32, 1.0, ufunc_float32, piece_float32, array_float32, gufunc_float32, product_float32_init, product_float32_step);
kernels!(f64, 1.0, ufunc_float64, piece_float64, array_float64, gufunc_float64, product_float64_init, product_float64_step);
kernels!(Complex<f32>, Complex { re: 1.0, im: 0.0 }, ufunc_complex64, piece_complex64, array_complex64, gufunc_complex64,
         product_complex64_init, product_complex64_step);
kernels!(Complex<f64>, Complex { re: 1.0, im: 0.0 }, ufunc_complex128, piece_complex128, array_complex128, gufunc_complex128,
         product_complex128_init, product_complex128_step);

#[no_mangle]
pub extern "C" fn ufunc_bool(a: bool, b: bool, c: bool) -> bool { (a != b) != c }
#[no_mangle]
pub unsafe extern "C" fn piece_bool(input: *const bool, out: *mut bool, n: i64) { piece(input, out, n) }
#[no_mangle]
pub unsafe extern "C" fn array_bool(args: *const FhArray, nargs: i32) -> i32 { array::<bool>(args, nargs) }
#[no_mangle]
pub unsafe extern "C" fn gufunc_bool(args: *const FhArray, _nargs: i32) {
    gufunc::<bool>(args, |sum, a, b| sum || (a && b))
}
#[no_mangle]
pub extern "C" fn product_bool_init() -> bool { false }
#[no_mangle]
pub extern "C" fn product_bool_step(state: bool, x: bool) -> bool { state != x }
