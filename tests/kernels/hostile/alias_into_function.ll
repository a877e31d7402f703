; BAD_BITCODE is an alias
@middle = alias i64 (i64), getelementptr (i8, ptr @first, i64 5)

define internal i64 @first(i64 %x) {
  ret i64 %x
}

define i64 @kernel(i64 %x) {
  %a = call i64 @middle(i64 %x)
  ret i64 %a
}
