; OK
; A compiler has found two functions identical: the kernel is the second name of the other.
@kernel = alias i64 (i64), ptr @first

define internal i64 @first(i64 %x) {
  %y = mul i64 %x, 3
  ret i64 %y
}

!farhand.kernels = !{!0}
!0 = !{!"kernel", !"int64(int64)"}
