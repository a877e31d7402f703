; BAD_BITCODE
@a = alias i64 (i64), ptr @b
@b = alias i64 (i64), ptr @a

define i64 @kernel(i64 %x) {
  %y = call i64 @a(i64 %x)
  ret i64 %y
}
