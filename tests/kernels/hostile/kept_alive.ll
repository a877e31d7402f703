; OK
@secret = internal global i32 7
@llvm.used = appending global [1 x ptr] [ptr @secret], section "llvm.metadata"

define i32 @kernel(i32 %x) {
  ret i32 %x
}
