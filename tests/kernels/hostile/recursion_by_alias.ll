; BAD_BITCODE recursion
; It calls itself by its second name.
@again = internal alias i64 (i64), ptr @kernel

define i64 @kernel(i64 %x) {
  %y = call i64 @again(i64 %x)
  ret i64 %y
}
