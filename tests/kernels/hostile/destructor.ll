; BAD_BITCODE llvm.global_dtors
@llvm.global_dtors = appending global [1 x { i32, ptr, ptr }] [{ i32, ptr, ptr } { i32 1, ptr @late, ptr null }]

define void @late() {
  ret void
}

define i32 @kernel(i32 %x) {
  ret i32 %x
}
