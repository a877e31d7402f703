; BAD_BITCODE ifunc
@chosen = ifunc i32 (i32), ptr @chooser

define ptr @chooser() {
  ret ptr @kernel
}

define i32 @kernel(i32 %x) {
  ret i32 %x
}
