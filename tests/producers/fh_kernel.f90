! fh_array of farhand_kernel.h.  Axes are counted from 1 here; the last one of a C-order array is the first in Fortran.
module fh_kernel
  use iso_c_binding
  implicit none
  type, bind(c) :: fh_array
    type(c_ptr) :: data
    integer(c_int32_t) :: dtype, ndim
    integer(c_int64_t) :: shape(32), strides(32), offset(32), whole(32), halo(2, 32)
  end type
end module
