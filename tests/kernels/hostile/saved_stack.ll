; BAD_BITCODE llvm.stackrestore
declare void @llvm.stackrestore.p0(ptr)

define i64 @kernel(i64 %x) {
  %p = inttoptr i64 %x to ptr
  call void @llvm.stackrestore.p0(ptr %p)
  ret i64 %x
}
