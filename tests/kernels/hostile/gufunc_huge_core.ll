; KERNEL_ERROR
; kind gufunc
; A fixed core dimension that no memory holds.
define void @kernel(ptr %args, i32 %n) {
  ret void
}

!farhand.kernels = !{!0}
!0 = !{!"kernel", !"void(float64[:], float64[:])", !"gufunc", !"(99999999999999999999)->(99999999999999999999)"}
