; BAD_BITCODE llvm.va_start
declare void @llvm.va_start.p0(ptr)

define internal i32 @sum(i32 %n, ...) {
  %list = alloca [24 x i8]
  call void @llvm.va_start.p0(ptr %list)
  ret i32 %n
}

define i32 @kernel(i32 %x) {
  %v = call i32 (i32, ...) @sum(i32 %x, i32 1)
  ret i32 %v
}
