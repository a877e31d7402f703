; BAD_BITCODE llvm.experimental
declare void @llvm.experimental.patchpoint.void(i64, i32, ptr, i32, ...)

define i64 @kernel(i64 %x) {
  call void (i64, i32, ptr, i32, ...) @llvm.experimental.patchpoint.void(i64 1, i32 15, ptr null, i32 0)
  ret i64 %x
}
