; KERNEL_TIMEOUT time limit
; Two functions that call one another for ever without needing stack.
define internal i64 @a(i64 %x) {
  %v = musttail call i64 @b(i64 %x)
  ret i64 %v
}

@flag = internal global i64 0

define internal i64 @b(i64 %x) {
  %f = load volatile i64, ptr @flag
  %v = musttail call i64 @a(i64 %x)
  ret i64 %v
}

define i64 @kernel(i64 %x) {
  %v = call i64 @a(i64 %x)
  ret i64 %v
}
