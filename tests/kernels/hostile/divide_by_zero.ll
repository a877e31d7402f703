; KERNEL_FAULT SIGFPE
@zero = internal global i64 0

define i64 @kernel(i64 %x) {
  %z = load volatile i64, ptr @zero
  %v = sdiv i64 %x, %z
  ret i64 %v
}
