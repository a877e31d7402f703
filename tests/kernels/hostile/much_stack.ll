; BAD_BITCODE more than 64 KiB of stack
define i64 @kernel(i64 %n) {
  %p = alloca [16384 x i64]
  %q = getelementptr i64, ptr %p, i64 %n
  store i64 %n, ptr %q
  %v = load volatile i64, ptr %q
  ret i64 %v
}
