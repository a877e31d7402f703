; KERNEL_ERROR kind
define i64 @kernel(i64 %x) {
  ret i64 %x
}

!farhand.kernels = !{!0}
!0 = !{!"kernel", !"int64(int64)", !"no such kind of kernel, and much too long for any", !"(((((((("}
