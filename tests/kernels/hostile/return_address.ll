; BAD_BITCODE llvm.returnaddress
declare ptr @llvm.returnaddress(i32 immarg)

define i64 @kernel(i64 %x) {
  %p = call ptr @llvm.returnaddress(i32 0)
  %v = ptrtoint ptr %p to i64
  ret i64 %v
}
