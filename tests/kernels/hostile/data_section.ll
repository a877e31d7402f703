; BAD_BITCODE section of its own
@hook = global i64 4096, section ".init_array"

define i64 @kernel(i64 %x) {
  %v = load i64, ptr @hook
  ret i64 %v
}
