; BAD_BITCODE outside the module
; What checks call is no business of kernels.
declare void @farhand.check.value(i32, ptr)

define i64 @kernel(i64 %x) {
  call void @farhand.check.value(i32 1, ptr null)
  ret i64 %x
}
