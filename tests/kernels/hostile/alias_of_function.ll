; OK
; Compilers write such for functions that are identical.
@second = internal alias i64 (i64), ptr @first
@third = alias i64 (i64), ptr @second

define internal i64 @first(i64 %x) {
  %y = mul i64 %x, 3
  ret i64 %y
}

define i64 @kernel(i64 %x) {
  %a = call i64 @second(i64 %x)
  %b = call i64 @third(i64 %a)
  ret i64 %b
}
