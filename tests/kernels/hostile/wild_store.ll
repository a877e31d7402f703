; KERNEL_FAULT SIGSEGV
define i64 @kernel(i64 %x) {
  %p = inttoptr i64 4096 to ptr
  store volatile i64 %x, ptr %p
  ret i64 %x
}
