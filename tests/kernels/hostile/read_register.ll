; BAD_BITCODE llvm.read_register
declare i64 @llvm.read_register.i64(metadata)

define i64 @kernel(i64 %x) {
  %v = call i64 @llvm.read_register.i64(metadata !0)
  ret i64 %v
}

!0 = !{!"rsp\00"}
