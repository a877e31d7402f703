; BAD_BITCODE variable amount of stack
define i64 @kernel(i64 %n) {
  %p = alloca i64, i64 %n
  store i64 %n, ptr %p
  %v = load volatile i64, ptr %p
  ret i64 %v
}
