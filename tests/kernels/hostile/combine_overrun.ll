; KERNEL_FAULT SIGSEGV
; kind reduction float64(float64)
; Its combine writes to both states, and on.
@sum_state_bytes = constant i64 16

define void @sum_init(ptr %s) {
  store double 0.0, ptr %s
  ret void
}

define void @sum_step(ptr %s, double %x) {
  ret void
}

define void @sum_combine(ptr %a, ptr %b) {
  br label %loop
loop:
  %p = phi ptr [ %b, %0 ], [ %q, %loop ]
  store volatile i64 -1, ptr %p
  %q = getelementptr i64, ptr %p, i64 1
  br label %loop
}

define double @sum_finish(ptr %s) {
  call void @sum_combine(ptr %s, ptr %s)
  %v = load double, ptr %s
  ret double %v
}
