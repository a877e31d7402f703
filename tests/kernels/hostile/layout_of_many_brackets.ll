; KERNEL_ERROR
; kind gufunc
define void @kernel(ptr %args, i32 %n) {
  ret void
}

!farhand.kernels = !{!0}
!0 = !{!"kernel", !"", !"gufunc", !"(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),()->()"}
