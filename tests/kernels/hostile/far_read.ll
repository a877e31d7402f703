; KERNEL_FAULT SIGSEGV
@table = internal global [4 x i64] [i64 1, i64 2, i64 3, i64 4]

define i64 @kernel(i64 %x) {
  %far = add i64 %x, 70368744177664
  %p = getelementptr i64, ptr @table, i64 %far
  %v = load volatile i64, ptr %p
  ret i64 %v
}
