; BAD_BITCODE is an alias
@second = alias i32 (i32), ptr @kernel

define i32 @kernel(i32 %x) {
  ret i32 %x
}
