; KERNEL_ERROR elsewhere
; The one kernel that is noted is not there.
define i64 @f(i64 %x) {
  ret i64 %x
}

!farhand.kernels = !{!0}
!0 = !{!"elsewhere", !"int64(int64)"}
