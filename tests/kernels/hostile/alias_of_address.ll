; BAD_BITCODE is an alias
@place = alias i64, inttoptr (i64 4096 to ptr)

define i64 @kernel(i64 %x) {
  %v = load i64, ptr @place
  ret i64 %v
}
