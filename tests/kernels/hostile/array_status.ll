; KERNEL_ERROR -7
; kind array int32(int64[:], int64[:])
; An array kernel that says it failed.
define i32 @kernel(ptr %args, i32 %n) {
  ret i32 -7
}
