; BAD_BITCODE section of its own
define i64 @kernel(i64 %x) section ".plt" {
  ret i64 %x
}
