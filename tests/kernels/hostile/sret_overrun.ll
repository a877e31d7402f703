; KERNEL_FAULT SIG
; signature complex128(float64)
; A result through a pointer, and everything behind it.
define void @kernel(ptr sret({double, double}) %r, double %x) {
  br label %loop
loop:
  %p = phi ptr [ %r, %0 ], [ %q, %loop ]
  store volatile i64 -1, ptr %p
  %q = getelementptr i64, ptr %p, i64 1
  br label %loop
}
