; BAD_BITCODE is an alias
@data = global [2 x i32] zeroinitializer
@second = alias i32, getelementptr (i8, ptr @data, i64 4)

define i32 @kernel(i32 %x) {
  %y = load i32, ptr @second
  %z = add i32 %x, %y
  ret i32 %z
}
