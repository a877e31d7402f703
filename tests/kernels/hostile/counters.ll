; BAD_BITCODE llvm.readcyclecounter
declare i64 @llvm.readcyclecounter()

define i64 @kernel(i64 %x) {
  %v = call i64 @llvm.readcyclecounter()
  ret i64 %v
}
