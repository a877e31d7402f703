! mandelbrot.c in Fortran: a ufunc kernel with a loop inside.  flang-19 -O2 -emit-llvm -c mandelbrot.f90
function mandelbrot(x, y) result(step) bind(c)
  use iso_c_binding
  implicit none
  real(c_double), value :: x, y
  integer(c_int32_t) :: step
  complex(c_double_complex) :: z, c
  c = cmplx(x, y, c_double_complex)
  z = 0
  do step = 0, 254
    if (real(z)**2 + aimag(z)**2 > 4) exit
    z = z * z + c
  end do
end function
