; BAD_BITCODE thread-local
@mine = thread_local global i32 1

define i32 @kernel(i32 %x) {
  %p = call ptr @llvm.threadlocal.address.p0(ptr @mine)
  %v = load i32, ptr %p
  ret i32 %v
}
declare ptr @llvm.threadlocal.address.p0(ptr)
