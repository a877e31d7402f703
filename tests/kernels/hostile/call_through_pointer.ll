; BAD_BITCODE calls through a pointer
define i64 @kernel(i64 %x) {
  %f = inttoptr i64 %x to ptr
  %v = call i64 %f(i64 %x)
  ret i64 %v
}
