; BAD_BITCODE above 1 MiB
@huge = global [1152921504606846975 x i8] zeroinitializer

define i8 @kernel(i64 %n) {
  %p = getelementptr i8, ptr @huge, i64 %n
  %v = load i8, ptr %p
  ret i8 %v
}
