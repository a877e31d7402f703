; KERNEL_ERROR signature
@text = private constant [42 x i8] c"farhand: \FF\FE\01(((((((((((((((((((((((((%s%n\00"
@llvm.global.annotations = appending global [1 x { ptr, ptr, ptr, i32, ptr }] [
  { ptr, ptr, ptr, i32, ptr } { ptr @kernel, ptr @text, ptr null, i32 0, ptr null }
], section "llvm.metadata"

define i64 @kernel(i64 %x) {
  ret i64 %x
}
