; KERNEL_ERROR a state has
; kind reduction float64(float64)
@sum_state_bytes = constant i64 -8

define void @sum_init(ptr %s) {
  ret void
}

define void @sum_step(ptr %s, double %x) {
  ret void
}

define void @sum_combine(ptr %a, ptr %b) {
  ret void
}

define double @sum_finish(ptr %s) {
  ret double 0.0
}
