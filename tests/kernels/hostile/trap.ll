; KERNEL_FAULT SIG
declare void @llvm.trap()

define i64 @kernel(i64 %x) {
  call void @llvm.trap()
  unreachable
}
