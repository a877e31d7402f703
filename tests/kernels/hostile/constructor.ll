; BAD_BITCODE llvm.global_ctors
@llvm.global_ctors = appending global [1 x { i32, ptr, ptr }] [{ i32, ptr, ptr } { i32 1, ptr @early, ptr null }]

define void @early() {
  ret void
}

define i32 @kernel(i32 %x) {
  ret i32 %x
}
